package console

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/internal/media/mediatest"
	"orak/test/stack"
)

// desk is the whole service with a converter that can be broken, and what the browser's
// programs need beside it.
type desk struct {
	*stack.Process
	// broken is a file; while it exists, the converter crashes.
	broken string
	// alerts are the texts that were sent to the alert webhook.
	alerts chan string
	// files is a folder with a recording in each of several formats, and a text.
	files string
	// url is where the programs break and mend the converter and wait for alerts, and where
	// people log in who have an account there.
	url string
}

func start(t testing.TB) *desk {
	t.Helper()
	dir := t.TempDir()
	d := &desk{broken: filepath.Join(dir, "broken"), alerts: make(chan string, 100), files: t.TempDir()}
	installed, err := exec.LookPath("ffmpeg")
	require.NoError(t, err)
	ffmpeg := filepath.Join(dir, "crashing-ffmpeg")
	script := "#!/bin/sh\n[ -e '" + d.broken + "' ] && kill -9 $$\nexec '" + installed + "' \"$@\"\n"
	require.NoError(t, os.WriteFile(ffmpeg, []byte(script), 0o700))

	desk := http.NewServeMux()
	desk.HandleFunc("POST /alerts", d.receive)
	desk.HandleFunc("GET /alerts", d.next)
	desk.HandleFunc("POST /break", func(w http.ResponseWriter, _ *http.Request) { answer(w, os.WriteFile(d.broken, nil, 0o600)) })
	desk.HandleFunc("POST /mend", func(w http.ResponseWriter, _ *http.Request) { answer(w, os.Remove(d.broken)) })
	people := newProvider(t)
	people.routes(desk)
	server := httptest.NewServer(desk)
	t.Cleanup(server.Close)
	d.url, people.issuer = server.URL, server.URL

	d.Process = stack.StartUp(t, stack.Options{Env: append(people.env(),
		"ORAK_AUTH=required", "ORAK_LOG_LEVEL=warn", "ORAK_RETRY_DELAY=50ms", "ORAK_RETRY_PATIENCE=1s",
		// The fence would forbid the script to read the file.
		"ORAK_MEDIA_FFMPEG="+ffmpeg, "ORAK_MEDIA_FENCE=false",
		"ORAK_ALERT_WEBHOOK_URL="+d.url+"/alerts", "ORAK_ALERT_GROUP_WAIT=1s",
		// The stack's port is known only once it runs; what is behind the host leads there, too.
		"ORAK_CONSOLE_URL=https://orak.example.org",
	)})
	d.record(t)
	return d
}

// receive keeps an alert, as Mattermost would show it.
func (d *desk) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		answer(w, err)
		return
	}
	select {
	case d.alerts <- string(body):
		w.WriteHeader(http.StatusOK)
	default:
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// next answers with the oldest alert that was not asked for yet, once there is one.
func (d *desk) next(w http.ResponseWriter, r *http.Request) {
	select {
	case alert := <-d.alerts:
		fmt.Fprint(w, alert)
	case <-r.Context().Done():
	}
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// record makes the files that are dropped, and the one that the browser's microphone hears.
func (d *desk) record(t testing.TB) {
	t.Helper()
	tune := mediatest.WAV(48000, 1, mediatest.Tune(48000))
	path := filepath.Join(d.files, "tune.wav")
	require.NoError(t, os.WriteFile(path, tune, 0o600))
	for _, name := range []string{"tune.m4a", "tune.mp3", "tune.ogg", "tune.flac"} {
		mediatest.Make(t, d.files, name, "-i", path)
	}
	require.NoError(t, os.WriteFile(filepath.Join(d.files, "lyrics.txt"), []byte("la la la\n"), 0o600))
}

// run runs a program of this folder, in Node.
func (d *desk) run(t testing.TB, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", args...)
	cmd.Env = append(os.Environ(), "ORAK_SERVER="+d.API, "ORAK_API_KEY="+d.APIKey, "ORAK_DESK="+d.url, "ORAK_FILES="+d.files)
	out, err := cmd.CombinedOutput()
	if _, measuring := t.(*testing.B); err == nil && (measuring || testing.Verbose()) {
		t.Logf("%s", out)
	}
	require.NoError(t, err, "%s", out)
}

// What people do with the console, in a real browser; each program is one kind of person.
func TestConsoleInABrowser(t *testing.T) {
	d := start(t)
	for _, program := range []string{"session", "singer", "operator", "views"} {
		t.Run(program, func(t *testing.T) {
			d.run(t, "--test", "--test-force-exit", "--test-timeout=180000", "--test-reporter=spec", program+".test.mjs")
		})
	}
}

// BenchmarkConsole prints how many frames a second the page draws of a recording of one hour, and
// of 100,000 dead letters.
func BenchmarkConsole(b *testing.B) {
	d := start(b)
	voice := "0.3*sin(2*PI*(220*t+30*sin(t)))*(0.6+0.4*sin(3*t))"
	mediatest.Make(b, d.files, "hour.ogg", "-f", "lavfi", "-i", "aevalsrc="+voice+":sample_rate=16000:duration=3600", "-c:a", "libopus", "-b:a", "24k")
	for b.Loop() {
		d.run(b, "speed.mjs")
	}
}
