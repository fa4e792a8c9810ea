package main

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// The table of docs/scale.md is what the program prints.
func TestTableOfScaleIsComputed(t *testing.T) {
	t.Parallel()
	require.Contains(t, read(t, "../../docs/scale.md"), "\n\n"+Table(Measured, Assumed, Sizes)+"\n",
		"write it anew: go run ./bench/scale")
}

// Whoever measures a unit cost anew changes it here, too.
func TestUnitCostsAreThoseOfTheBenchmarks(t *testing.T) {
	t.Parallel()
	benchmarks := read(t, "../../docs/benchmarks.md")
	units := reflect.ValueOf(Measured)
	for i := range units.NumField() {
		cost, ok := units.Field(i).Interface().(Cost)
		require.True(t, ok)
		name := units.Type().Field(i).Name
		require.Positive(t, cost.Value, name)
		require.NotEmpty(t, cost.Source, name)
		require.Contains(t, benchmarks, cost.Source, name)
	}
}

func TestTableFollowsItsFormulas(t *testing.T) {
	t.Parallel()
	n := need{864_000, Measured, Assumed} // ten a second
	require.InDelta(t, 30, n.peak(), 1e-9)
	require.InDelta(t, 30*0.045/0.5, n.cores(Measured.PostgreSQL.Value), 1e-9)
	require.Equal(t, "PostgreSQL", n.database())
	require.InDelta(t, 512, n.shards(), 0)
	n.day *= 10
	require.Equal(t, "Cassandra", n.database())
	require.InDelta(t, 1024, n.shards(), 0)
	require.InDelta(t, 5, n.bridges(), 0)
	require.InDelta(t, 24, n.partitions(), 0)
	for value, want := range map[float64]string{0.116: "0.12", 9.96: "10", 34.7: "35", 4514: "4,514", 45_140: "45,140", 4_514_000: "4.5 M"} {
		require.Equal(t, want, short(value))
	}
	require.Equal(t, "7.5 TB", size(7.5e12))
	require.Equal(t, len(Sizes)+3, strings.Count(strings.SplitN(Table(Measured, Assumed, Sizes), "\n", 2)[0], "|"))
}
