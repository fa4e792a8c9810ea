// Command scale computes what a number of uploads a day needs, from the unit costs that
// docs/benchmarks.md measures. docs/scale.md has what it prints; a test compares them.
package main

import "fmt"

func main() { fmt.Print(Table(Measured, Assumed, Sizes)) }
