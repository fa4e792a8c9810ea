package client

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "5", "-1", "+7", "61", "9300000000", "9223372036854775807", "99999999999999999999", "1e9"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		wait := retryAfter(header)
		require.GreaterOrEqual(t, wait, time.Duration(0))
		require.LessOrEqual(t, wait, maxRetryAfter)
	})
}
