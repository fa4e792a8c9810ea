// Package docs holds the project's documents to the project: the commands
// they tell a reader to type exist, the files they point to are there, and
// every direct dependency has its reason written down.
package docs
