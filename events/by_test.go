package events_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"orak/events"
)

func TestByNamesTheCredentialFirst(t *testing.T) {
	long := strings.Repeat("é", events.MaxBy)
	require.Equal(t, "ann", events.By("", "ann"))
	require.Equal(t, "key/k3np", events.By("key/k3np", ""))
	require.Equal(t, "key/k3np (ann)", events.By("key/k3np", "ann"))
	for _, by := range []string{events.By("key/k3np", long), events.By(long, "ann"), events.By(long, "")} {
		require.LessOrEqual(t, len(by), events.MaxBy)
		require.True(t, utf8.ValidString(by))
	}
	require.True(t, strings.HasPrefix(events.By("key/k3np", long), "key/k3np (é"))
}
