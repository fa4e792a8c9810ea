package runbooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"orak"
	"orak/api/resource"
	"orak/internal/media/mediatest"
	"orak/internal/modelserver"
	"orak/test/stack"
)

// patience bounds every wait. It is generous: the tests check that things
// end, not how soon.
const patience = time.Minute

// build is the build id of the service's workers.
const build = "v1"

// service is a running orak with the troubles of the runbooks: the test controls
// its ffmpeg and its model server, and its alert webhook accepts no message.
type service struct {
	*stack.Process
	t *testing.T
	// broken is the file that makes ffmpeg crash while it exists.
	broken string
	// model is the status of the model server's answers.
	model atomic.Int32
	// modelURL is its address.
	modelURL string
	// tenantHook is the id of a webhook of the tenant choir.
	tenantHook string
	// desk is the operator's working directory, beside the data folder.
	desk string
	path string
	tune []byte
	// standby are the brokers of the cluster to which orak.uploads can be switched.
	standby string
}

func start(t *testing.T) *service {
	t.Helper()
	dir := t.TempDir()
	s := &service{t: t, broken: filepath.Join(dir, "broken"), desk: dir, tune: mediatest.WAV(16000, 1, mediatest.Tune(16000))}
	installed, err := exec.LookPath("ffmpeg")
	require.NoError(t, err)
	ffmpeg := filepath.Join(dir, "crashing-ffmpeg")
	script := "#!/bin/sh\n[ -e '" + s.broken + "' ] && kill -9 $$\nexec '" + installed + "' \"$@\"\n"
	require.NoError(t, os.WriteFile(ffmpeg, []byte(script), 0o700))

	s.model.Store(http.StatusUnprocessableEntity)
	model := httptest.NewServer(http.HandlerFunc(s.answerModel))
	t.Cleanup(model.Close)
	s.modelURL = model.URL
	webhook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	t.Cleanup(webhook.Close)
	standby, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("standby"))
	require.NoError(t, err)
	t.Cleanup(standby.Close)
	s.standby = strings.Join(standby.ListenAddrs(), ",")
	s.Process = stack.StartUp(t, stack.Options{Env: []string{
		"ORAK_KAFKA_STANDBY_BROKERS=" + s.standby,
		"ORAK_WORKER_DEPLOYMENT=orak", "ORAK_WORKER_BUILD_ID=" + build,
		"ORAK_LOG_LEVEL=error", "ORAK_RETRY_DELAY=50ms", "ORAK_RETRY_PATIENCE=1s",
		// The fence would forbid the script to read the file.
		"ORAK_MEDIA_FFMPEG=" + ffmpeg, "ORAK_MEDIA_FENCE=false",
		"ORAK_ENGINE=http", "ORAK_MODEL_SERVER_URL=" + model.URL, "ORAK_MODEL_SERVER_PATIENCE=1s",
		"ORAK_ALERT_WEBHOOK_URL=" + webhook.URL, "ORAK_ALERT_GROUP_WAIT=1s", "ORAK_OUTAGE_GROUP_WAIT=1s", "ORAK_OUTAGE_REPORT_INTERVAL=1s",
	}})
	require.NoError(t, os.Symlink(s.DataDir, filepath.Join(s.desk, ".orak")))
	s.path = stack.OperatorTools(t) + ":" + os.Getenv("PATH")
	s.tenantHook = s.addTenantHook()
	return s
}

// addTenantHook adds a webhook of the tenant choir, whose receiver accepts everything.
func (s *service) addTenantHook() string {
	s.t.Helper()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	s.t.Cleanup(receiver.Close)
	out, err := s.command(s.t.Context(), "orak webhooks add "+receiver.URL+"/hook --tenant choir --json").Output()
	require.NoError(s.t, err, "%s", out)
	var added struct {
		ID string `json:"id"`
	}
	require.NoError(s.t, json.Unmarshal(out, &added), "%s", out)
	require.NotEmpty(s.t, added.ID, "%s", out)
	return added.ID
}

// answerModel is a model server that is always ready, so that analyses are tried,
// and answers them with the status in model.
func (s *service) answerModel(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case modelserver.ReadyPath:
	case "/v1/capacity":
		fmt.Fprint(w, `{"engine":{"name":"test","version":"1"},"slots":8,"queue":8}`)
	default:
		w.WriteHeader(int(s.model.Load()))
	}
}

// command prepares a command line in the operator's folder.
func (s *service) command(ctx context.Context, words string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sh", "-c", words)
	cmd.Dir = s.desk
	// orak finds the service by what it left in the data folder. The others
	// know only the default ports.
	cmd.Env = stack.Environ("ORAK_WORKER_DEPLOYMENT=orak", "PATH="+s.path, "XDG_CACHE_HOME="+s.desk, "ORAK_MODEL_SERVER_URL="+s.modelURL, "ORAK_KAFKA_STANDBY_BROKERS="+s.standby,
		"TEMPORAL_ADDRESS="+s.Temporal, "TEMPORAL_CLI_ADDRESS="+s.Temporal)
	return cmd
}

// sh runs a command line that must succeed.
func (s *service) sh(words string) {
	s.t.Helper()
	out, err := s.command(s.t.Context(), words).CombinedOutput()
	require.NoError(s.t, err, "%s\n%s", words, out)
}

// upload sends a file, which may be no recording.
func (s *service) upload(name string, body []byte) orak.UploadID {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.API+"/v1/uploads", bytes.NewReader(body))
	require.NoError(s.t, err)
	req.Header.Set("Content-Type", mime.TypeByExtension(filepath.Ext(name)))
	req.Header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	resp, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	require.Equal(s.t, http.StatusAccepted, resp.StatusCode)
	var accepted resource.Accepted
	require.NoError(s.t, json.NewDecoder(resp.Body).Decode(&accepted))
	return accepted.ID
}

// get decodes the JSON at path.
func (s *service) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.API+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %d", path, resp.StatusCode)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// decided waits until a decision on a parked upload has taken effect: it is
// discarded or canceled, has completed, or has failed again.
func (s *service) decided(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		var u resource.Upload
		var letter resource.DeadLetterDetail
		err := s.get(ctx, "/v1/uploads/"+id, &u)
		if err == nil && u.Status.Final() {
			return nil
		}
		if s.get(ctx, "/v1/dead-letters/"+id, &letter) == nil && letter.Cycle > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s is still %s: the decision was not taken", id, u.Status), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// states are the states of uploads in which commands run.
var states = []string{"transient", "input", "model", "overload", "dependency", "erased"}

// prepare makes n uploads in a state.
func (s *service) prepare(state string, n int) []string {
	s.t.Helper()
	class, name, body := orak.Class(state), "song.wav", s.tune
	switch state {
	case "input":
		name, body = "notes.caf", []byte("caff\x00\x01\x00\x00 and then text")
	case "overload":
		s.model.Store(http.StatusTooManyRequests)
	case "dependency":
		s.model.Store(http.StatusRequestTimeout)
	case "transient", "erased":
		s.breakFFmpeg(true)
		class = orak.ClassTransient
	}
	var ids []string
	for range n {
		ids = append(ids, string(s.upload(name, body)))
	}
	s.parked(ids, class)
	s.breakFFmpeg(false)
	s.model.Store(http.StatusUnprocessableEntity)
	switch state {
	case "erased":
		s.sh("orak erase --yes --watch " + strings.Join(ids, " "))
	}
	return ids
}

func (s *service) parked(ids []string, class orak.Class) {
	s.t.Helper()
	for _, id := range ids {
		var u resource.Upload
		require.Eventually(s.t, func() bool {
			u = resource.Upload{}
			return s.get(s.t.Context(), "/v1/uploads/"+id, &u) == nil && u.Status == orak.StatusDeadLettered
		}, patience, 20*time.Millisecond, "%s is %+v", id, &u)
		require.Equal(s.t, class, u.Failure.Class)
	}
}

func (s *service) breakFFmpeg(broken bool) {
	s.t.Helper()
	if broken {
		require.NoError(s.t, os.WriteFile(s.broken, nil, 0o600))
		return
	}
	if err := os.Remove(s.broken); !errors.Is(err, os.ErrNotExist) {
		require.NoError(s.t, err)
	}
}
