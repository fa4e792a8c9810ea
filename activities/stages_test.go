package activities

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"orak"
	"orak/events"
)

type links struct{}

func (links) WorkflowURL(id, run string) string { return "http://ui/" + id + "/" + run }
func (links) QueryURL(query string) string      { return "http://ui/?" + query }

// shelf is a Store in memory; open, if it is set, may damage what is read.
type shelf struct {
	objects map[string][]byte
	open    func(n int, data []byte) (io.Reader, error)
	opened  int
}

var _ Store = (*shelf)(nil)

func (s *shelf) Open(_ context.Context, key string) (io.ReadCloser, int64, error) {
	data, ok := s.objects[key]
	if !ok {
		return nil, 0, fs.ErrNotExist
	}
	s.opened++
	if s.open == nil {
		return io.NopCloser(bytes.NewReader(data)), int64(len(data)), nil
	}
	r, err := s.open(s.opened, data)
	return io.NopCloser(r), int64(len(data)), err
}

func (s *shelf) Put(_ context.Context, key string, body io.Reader, size int64, _ string) error {
	data, err := io.ReadAll(body)
	if err == nil && int64(len(data)) != size {
		err = errors.New("a body of another size")
	}
	s.objects[key] = data
	return err
}

func (s *shelf) PutNew(ctx context.Context, key string, body io.Reader, size int64, mediaType string) error {
	if _, ok := s.objects[key]; ok {
		return fs.ErrExist
	}
	return s.Put(ctx, key, body, size, mediaType)
}

func (s *shelf) Keys(_ context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, key := range slices.Sorted(maps.Keys(s.objects)) {
			if strings.HasPrefix(key, prefix) && !yield(key, nil) {
				return
			}
		}
	}
}

func (s *shelf) Delete(_ context.Context, key string) error {
	delete(s.objects, key)
	return nil
}

// copies converts by copying, and leaves another file behind.
type copies struct{ limits *orak.Limits }

func (c copies) Convert(_ context.Context, src, dst string, limits orak.Limits, progress func(float64)) (orak.Audio, error) {
	if !filepath.IsAbs(src) || !filepath.IsAbs(dst) {
		return orak.Audio{}, errors.New("relative paths")
	}
	progress(1)
	if c.limits != nil {
		*c.limits = limits
	}
	data, err := os.ReadFile(src)
	if err != nil {
		return orak.Audio{}, err
	}
	if err := os.WriteFile(dst+".part", data, 0o600); err != nil {
		return orak.Audio{}, err
	}
	return orak.Audio{Codec: "pcm"}, os.WriteFile(dst, data, 0o600)
}

// reads analyzes by reading; it reports every error as one of the model.
type reads struct{}

func (reads) Identity(context.Context) (orak.Engine, error) { return orak.Engine{Name: "test"}, nil }

func (reads) Analyze(_ context.Context, wav io.Reader, _ func(float64)) (orak.Analysis, orak.PitchCurve, error) {
	if _, err := io.Copy(io.Discard, wav); err != nil {
		return orak.Analysis{}, orak.PitchCurve{}, &orak.Fault{Class: orak.ClassModel, Err: err}
	}
	return orak.Analysis{Engine: orak.Engine{Name: "test"}}, orak.PitchCurve{HopS: 0.01}, nil
}

type said struct {
	events  []events.Event
	letters []events.DeadLetter
}

func (s *said) PublishEvent(_ context.Context, topic string, e events.Event) error {
	if topic != events.TopicLifecycle {
		return errors.New("another topic")
	}
	s.events = append(s.events, e)
	return nil
}

func (s *said) PublishDeadLetter(_ context.Context, l events.DeadLetter) error {
	s.letters = append(s.letters, l)
	return nil
}

var sound = []byte("sound")

func accepted() orak.Upload {
	const id orak.UploadID = "0190aaaa-0000-7000-8000-000000000001"
	sum := sha256.Sum256(sound)
	return orak.Upload{ID: id, Tenant: "choir", Key: orak.OriginalKey("choir", id), Size: int64(len(sound)),
		SHA256: hex.EncodeToString(sum[:]), ReceivedAt: noon}
}

func stages(t *testing.T) (*Activities, *shelf, *said) {
	t.Helper()
	u := accepted()
	s, k := &shelf{objects: map[string][]byte{u.Key: sound}}, &said{}
	a := New(t.TempDir(), Deps{Store: s, Converter: copies{}, Analyzer: reads{}, Engines: map[string]Analyzer{orak.EngineBuiltin: reads{}}, Publisher: k, Links: links{},
		Log: slog.New(slog.DiscardHandler)})
	return a, s, k
}

func class(t *testing.T, err error) orak.Class {
	t.Helper()
	require.Error(t, err)
	return orak.AsFault(err).Class
}

func leftovers(t *testing.T, a *Activities) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(a.scratchDir, "*"))
	require.NoError(t, err)
	return left
}

func TestConvertStoresAudioAndRemovesItsScratchFolder(t *testing.T) {
	t.Parallel()
	a, s, _ := stages(t)
	u := accepted()
	audio, err := a.Convert(t.Context(), ConvertInput{Upload: u})
	require.NoError(t, err)
	require.Equal(t, "pcm", audio.Codec)
	require.Equal(t, sound, s.objects[orak.AudioKey(u.Tenant, u.ID)])
	require.Empty(t, leftovers(t, a))
}

func TestConvertPassesTheLimitsOfTheInput(t *testing.T) {
	t.Parallel()
	a, _, _ := stages(t)
	var got orak.Limits
	a.deps.Converter = copies{limits: &got}
	want := orak.Limits{Timeout: time.Hour, MaxDuration: 2 * time.Hour}
	_, err := a.Convert(t.Context(), ConvertInput{Upload: accepted(), Limits: want})
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestConvertClassifiesDownloadFailures(t *testing.T) {
	t.Parallel()
	outage := &orak.Fault{Class: orak.ClassDependency, Message: "Away."}
	for name, c := range map[string]struct {
		open func(n int, data []byte) (io.Reader, error)
		want orak.Class
	}{
		"the store is unavailable": {func(int, []byte) (io.Reader, error) { return nil, outage }, orak.ClassDependency},
		"the line breaks":          {func(int, []byte) (io.Reader, error) { return iotest.ErrReader(outage), nil }, orak.ClassDependency},
		"other bytes, same size":   {func(int, []byte) (io.Reader, error) { return bytes.NewReader([]byte("noise")), nil }, orak.ClassInput},
		"too few bytes":            {func(int, []byte) (io.Reader, error) { return bytes.NewReader([]byte("so")), nil }, orak.ClassInput},
	} {
		a, s, _ := stages(t)
		s.open = c.open
		_, err := a.Convert(t.Context(), ConvertInput{Upload: accepted()})
		require.Equal(t, c.want, class(t, err), name)
		require.Empty(t, leftovers(t, a), name)
	}
}

func TestConvertFetchesADamagedDownloadAgain(t *testing.T) {
	t.Parallel()
	a, s, _ := stages(t)
	s.open = func(n int, data []byte) (io.Reader, error) {
		if n == 1 {
			return bytes.NewReader([]byte("noise")), nil
		}
		return bytes.NewReader(data), nil
	}
	_, err := a.Convert(t.Context(), ConvertInput{Upload: accepted()})
	require.NoError(t, err)
}

func TestConvertBlamesTheAnnouncementOfAnotherRecording(t *testing.T) {
	t.Parallel()
	for message, spoil := range map[string]func(*orak.Upload){
		"The announcement names a size of 7 bytes that the stored object does not have.": func(u *orak.Upload) { u.Size = 7 },
		"The announcement names a digest that the stored object does not have.":          func(u *orak.Upload) { u.SHA256 = strings.Repeat("0", 64) },
	} {
		a, _, _ := stages(t)
		u := accepted()
		spoil(&u)
		_, err := a.Convert(t.Context(), ConvertInput{Upload: u})
		require.Equal(t, orak.ClassInput, class(t, err))
		require.Equal(t, message, orak.AsFault(err).Message)
	}
}

func TestConvertWaitsForAnAbsentRecording(t *testing.T) {
	t.Parallel()
	for arrival, want := range map[time.Duration]orak.Class{time.Hour: orak.ClassDependency, 0: orak.ClassInput} {
		a, s, _ := stages(t)
		a.deps.Arrival = arrival
		delete(s.objects, accepted().Key)
		var found error
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestActivityEnvironment()
		convert := func(ctx context.Context) error {
			_, found = a.Convert(ctx, ConvertInput{Upload: accepted()})
			return nil
		}
		env.RegisterActivity(convert)
		_, err := env.ExecuteActivity(convert)
		require.NoError(t, err)
		require.Equal(t, want, class(t, found))
		require.Empty(t, orak.AsFault(found).Dependency, "the store is available")
	}
}

func TestConvertRetriesAFullOrMissingDisk(t *testing.T) {
	t.Parallel()
	a, _, _ := stages(t)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	a.scratchDir = filepath.Join(file, "below")
	_, err := a.Convert(t.Context(), ConvertInput{Upload: accepted()})
	require.Equal(t, orak.ClassDependency, class(t, err))
}

func TestSweepScratchRemovesFoldersOfKilledWorkers(t *testing.T) {
	t.Parallel()
	a, _, _ := stages(t)
	old, fresh, other := filepath.Join(a.scratchDir, scratchPrefix+"1"), filepath.Join(a.scratchDir, scratchPrefix+"2"), filepath.Join(a.scratchDir, "else")
	for _, dir := range []string{old, fresh, other} {
		require.NoError(t, os.MkdirAll(dir, 0o700))
	}
	long := time.Now().Add(-time.Hour)
	for _, dir := range []string{old, other} {
		require.NoError(t, os.Chtimes(dir, long, long))
	}
	require.NoError(t, a.SweepScratch(t.Context(), 30*time.Minute))
	require.Equal(t, []string{other, fresh}, leftovers(t, a))
}

// An operator may allow a conversion to take a day.
func TestSweepScratchKeepsFoldersInUse(t *testing.T) {
	t.Parallel()
	a, _, _ := stages(t)
	dir := filepath.Join(a.scratchDir, scratchPrefix+"1")
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".convert-1.wav"), sound, 0o600))
	long := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(dir, long, long))
	require.NoError(t, a.SweepScratch(t.Context(), 30*time.Minute))
	require.Equal(t, []string{dir}, leftovers(t, a))
}

func TestAnalyzeRefusesAnUnknownEngine(t *testing.T) {
	t.Parallel()
	a, s, _ := stages(t)
	u := accepted()
	s.objects[orak.AudioKey(u.Tenant, u.ID)] = sound
	_, err := a.Analyze(t.Context(), AnalyzeInput{Upload: u, Engine: "whisper"})
	require.Equal(t, orak.ClassInternal, class(t, err))
	require.Contains(t, orak.AsFault(err).Message, `no engine "whisper": set model-server-url`)
	_, err = a.Analyze(t.Context(), AnalyzeInput{Upload: u, Engine: orak.EngineBuiltin})
	require.NoError(t, err)
}

func TestAnalyzeStoresTheCurveAndReturnsTheSummary(t *testing.T) {
	t.Parallel()
	a, s, _ := stages(t)
	u := accepted()
	s.objects[orak.AudioKey(u.Tenant, u.ID)] = sound
	got, err := a.Analyze(t.Context(), AnalyzeInput{Upload: u, Audio: orak.Audio{Codec: "opus"}})
	require.NoError(t, err)
	require.Equal(t, "opus", got.Audio.Codec)
	require.JSONEq(t, `{"hop_s":0.01,"f0_hz":null,"voicing":null}`, string(s.objects[orak.PitchKey(u.Tenant, u.ID)]))
}

func TestAnalyzeBlamesTheStoreForABrokenDownload(t *testing.T) {
	t.Parallel()
	a, s, _ := stages(t)
	u := accepted()
	s.objects[orak.AudioKey(u.Tenant, u.ID)] = sound
	s.open = func(int, []byte) (io.Reader, error) {
		return iotest.ErrReader(&orak.Fault{Class: orak.ClassDependency, Message: "Away."}), nil
	}
	_, err := a.Analyze(t.Context(), AnalyzeInput{Upload: u})
	require.Equal(t, orak.ClassDependency, class(t, err))
}

func TestPublishStoresTheObjectsBeforeTheEvent(t *testing.T) {
	t.Parallel()
	a, s, k := stages(t)
	u := accepted()
	in := PublishInput{
		Progress: orak.Progress{Upload: u, Status: orak.StatusCompleted, UpdatedAt: noon},
		Analysis: orak.Analysis{Engine: orak.Engine{Name: "test"}},
		Completed: AnnounceInput{ID: "id", Type: events.Completed, At: noon,
			Lifecycle: events.Lifecycle{Upload: u, Status: orak.StatusCompleted}},
	}
	for range 2 { // a repeat only publishes the event again
		require.NoError(t, a.Publish(t.Context(), in))
	}
	require.Contains(t, s.objects, orak.AnalysisKey(u.Tenant, u.ID))
	require.Contains(t, s.objects, orak.OutcomeKey(u.Tenant, u.ID))
	require.Len(t, k.events, 2)
	require.Equal(t, k.events[0].ID, k.events[1].ID)
	l, err := k.events[0].Lifecycle()
	require.NoError(t, err)
	require.Equal(t, "test", l.Analysis.Engine.Name)
}

func TestDeadLetterLinksToItsWorkflow(t *testing.T) {
	t.Parallel()
	a, _, k := stages(t)
	require.NoError(t, a.DeadLetter(t.Context(), DeadLetterInput{WorkflowID: "upload-1", RunID: "run", FailedAt: noon}))
	require.Equal(t, "http://ui/upload-1/run", k.letters[0].WebUI)
}
