package lag

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHottestKeysAreCountedUpToABound(t *testing.T) {
	t.Parallel()
	counts := make(map[string]int64)
	for _, key := range []string{"a", "", "a", "late", "late", ""} {
		countKey(counts, []byte(key), 2)
	}
	require.Equal(t, map[string]int64{"a": 2, "": 2}, counts)
}
