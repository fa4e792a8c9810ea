// Package auth says who calls, and what the caller may do.
package auth
