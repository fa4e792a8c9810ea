// Package docs checks the project's documents: the commands, tasks, paths and
// links that they name exist, and every direct dependency has its reason.
package docs
