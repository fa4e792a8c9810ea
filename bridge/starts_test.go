package bridge_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/bridge"
)

func TestStartsAreLoggedTogether(t *testing.T) {
	t.Parallel()
	b := setup(t)
	out := new(logBuffer)
	m := b.start(func(_ *bridge.Config, d *bridge.Deps) { d.Log = slog.New(slog.NewTextHandler(out, nil)) })
	b.announce(20)
	m.awaitStarts(20)
	b.awaitCommitted(20)
	m.stop()
	counted := 0
	for line := range strings.Lines(out.String()) {
		var n int
		if _, rest, ok := strings.Cut(line, `"workflows started"`); ok {
			_, err := fmt.Sscanf(strings.TrimSpace(rest[strings.Index(rest, "count="):]), "count=%d", &n)
			require.NoError(t, err)
		}
		counted += n
	}
	require.Equal(t, 20, counted)
	require.NotContains(t, out.String(), "workflow started")
}
