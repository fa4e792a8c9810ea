// Package terminal writes for people at a terminal: lines that fit its width,
// listings, colors, progress, and questions with an answer. Where the output
// is no terminal, or JSON is asked for, it writes what a program can read.
//
// Clean makes foreign text safe. The methods that print expect clean text.
package terminal
