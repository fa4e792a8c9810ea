// Package rounds summarizes what was measured several times.
package rounds

import "slices"

// Median returns the median of f over the rounds, of which there is at least one; of
// an even number, the higher of the two in the middle.
func Median[T any](rounds []T, f func(T) float64) float64 {
	all := make([]float64, len(rounds))
	for i := range all {
		all[i] = f(rounds[i])
	}
	slices.Sort(all)
	return all[len(all)/2]
}
