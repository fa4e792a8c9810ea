package events

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// addGoldens writes the goldens that are missing, and their sums. It never changes
// an existing golden: what was once emitted must stay readable.
var addGoldens = flag.Bool("add-goldens", false, "write the goldens that are missing")

const sumsFile = "testdata/SHA256SUMS"

// golden is a record in testdata. Key, values and data are strings, to be readable.
type golden struct {
	Topic   string         `json:"topic"`
	Key     string         `json:"key"`
	Headers []goldenHeader `json:"headers"`
	Value   string         `json:"value"`
}

type goldenHeader struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func goldenOf(r *kgo.Record) golden {
	g := golden{Topic: r.Topic, Key: string(r.Key), Value: string(r.Value)}
	for _, h := range r.Headers {
		g.Headers = append(g.Headers, goldenHeader{Key: h.Key, Value: string(h.Value)})
	}
	return g
}

func (g golden) record() *kgo.Record {
	r := &kgo.Record{Topic: g.Topic, Key: []byte(g.Key), Value: []byte(g.Value)}
	for _, h := range g.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: []byte(h.Value)})
	}
	return r
}

func readGolden(t *testing.T, path string) golden {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var g golden
	require.NoError(t, json.Unmarshal(data, &g))
	return g
}

// current returns the records that this version emits or accepts, by golden.
func current(t *testing.T) map[string]*kgo.Record {
	records := make(map[string]*kgo.Record)
	for _, typ := range allTypes() {
		topic, version := TopicLifecycle, ".2.json"
		switch typ {
		case UploadReceived:
			topic, version = TopicUploads, ".3.json"
		case Completed:
			version = ".4.json"
		}
		records[string(typ)+version] = sampleEvent(t, typ).Record(topic)
	}
	records["orak.upload.completed.5.json"] = sampleCompleted(t, 0).Record(TopicLifecycle)
	records["orak.upload.completed.6.json"] = sampleCompleted(t, 1.5).Record(TopicLifecycle)
	described, err := NewReceived(sampleDescribed())
	require.NoError(t, err)
	records["orak.upload.received.2.json"] = described.Record(TopicUploads)
	ended := sampleLifecycle(Completed)
	ended.Upload = sampleDescribed()
	e, err := NewLifecycle("described", Completed, sampleTime, ended)
	require.NoError(t, err)
	records["orak.upload.completed.3.json"] = e.Record(TopicLifecycle)
	records["dead-letter.2.json"] = sampleDeadLetter(t).Record()
	records["dead-letter.first-cause.2.json"] = sampleSecondLetter(t).Record()
	records["orak.upload.canceled.uploads.2.json"] = sampleCancellation(t).Record(TopicUploads)
	records["orak.upload.erased.uploads.2.json"] = sampleErasure(t).Record(TopicUploads)
	records["orak.upload.received.structured.1.json"] = sampleStructured(t, sampleEvent(t, UploadReceived), false)
	records["orak.upload.received.structured-base64.1.json"] = sampleStructured(t, sampleEvent(t, UploadReceived), true)
	records["notification.aws.1.json"] = sampleNotification(t, false)
	records["notification.minio.1.json"] = sampleNotification(t, true)
	return records
}

func TestEncodingReproducesTheGoldens(t *testing.T) {
	for name, r := range current(t) {
		path := filepath.Join("testdata", name)
		if *addGoldens {
			addGolden(t, path, r)
		}
		require.Equal(t, readGolden(t, path), goldenOf(r), name)
	}
}

func addGolden(t *testing.T, path string, r *kgo.Record) {
	t.Helper()
	if _, err := os.Stat(path); err == nil {
		return
	}
	var data bytes.Buffer
	enc := json.NewEncoder(&data)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(goldenOf(r)))
	require.NoError(t, os.WriteFile(path, data.Bytes(), 0o644))
	sums, err := os.OpenFile(sumsFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	_, err = fmt.Fprintf(sums, "%s  %s\n", sum(data.Bytes()), filepath.Base(path))
	require.NoError(t, err)
	require.NoError(t, sums.Close())
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

func TestEveryGoldenDecodes(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		r := readGolden(t, path).record()
		if r.Topic == TopicDeadLetters {
			d, err := DeadLetterFrom(r)
			require.NoError(t, err, path)
			r = &kgo.Record{Key: d.Origin.Key, Value: d.Origin.Value}
			for _, h := range d.Origin.Headers {
				r.Headers = append(r.Headers, kgo.RecordHeader(h))
			}
		}
		if entries, ok, err := NotificationFrom(r); ok {
			require.NoError(t, err, path)
			require.NotEmpty(t, entries, path)
			continue
		}
		e, err := FromRecord(r)
		require.NoError(t, err, path)
		switch {
		case e.Type == UploadReceived:
			_, err = e.Received()
		case r.Topic == TopicUploads && e.Type == Erased:
			_, err = e.Erasure()
		case r.Topic == TopicUploads:
			_, err = e.Cancellation()
		default:
			_, err = e.Lifecycle()
		}
		require.NoError(t, err, path)
	}
}

func TestGoldensAreOnlyAdded(t *testing.T) {
	t.Parallel()
	sums, err := os.Open(sumsFile)
	require.NoError(t, err)
	defer sums.Close()
	listed := make(map[string]bool)
	for lines := bufio.NewScanner(sums); lines.Scan(); {
		want, name, ok := strings.Cut(lines.Text(), "  ")
		require.True(t, ok, "want lines as sha256sum writes them")
		data, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err, "a golden may not be removed")
		require.Equal(t, want, sum(data), "%s may not be changed: add another", name)
		listed[name] = true
	}
	paths, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	for _, path := range paths {
		require.True(t, listed[filepath.Base(path)], "%s is not in %s", path, sumsFile)
	}
	for name := range current(t) {
		require.True(t, listed[name], "%s is gone from %s", name, sumsFile)
	}
}
