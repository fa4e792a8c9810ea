package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUploadsFollowFromTheSeedAndHaveEveryKind(t *testing.T) {
	t.Parallel()
	kinds := []recording{{kind: "a.wav", weight: 10}, {kind: "b.wav", weight: 1}, {kind: "c.wav", weight: 1}}
	first := uploads(3, kinds, 30, shortDuration)
	require.Equal(t, first, uploads(3, kinds, 30, shortDuration))
	names, Seen := map[string]bool{}, map[string]bool{}
	for _, s := range first {
		names[s.Name], Seen[s.kind] = true, true
	}
	require.Len(t, names, len(first))
	require.Len(t, Seen, len(kinds))
}
