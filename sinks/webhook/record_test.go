package webhook_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
)

var recordHistories = flag.Bool("record", false, "write the histories of these tests to workflows/testdata/history")

// record writes a history for the replay test of package workflows.
func (b *bundle) record(name string, all []*historypb.HistoryEvent) {
	b.t.Helper()
	if !*recordHistories {
		return
	}
	data, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(&historypb.History{Events: all})
	require.NoError(b.t, err)
	// Without the name of the machine.
	data = regexp.MustCompile(`"identity": "[^"]*"`).ReplaceAll(data, []byte(`"identity": "recorded"`))
	data = regexp.MustCompile(`"name": "[^"]+:([0-9a-f-]{36})"`).ReplaceAll(data, []byte(`"name": "recorded:$1"`))
	require.NoError(b.t, os.WriteFile(filepath.Join("..", "..", "workflows", "testdata", "history", name+".json"), append(data, '\n'), 0o644))
}
