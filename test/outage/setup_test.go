package outage

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/api/resource"
	"orak/internal/app"
	"orak/internal/auth"
	"orak/internal/config"
	"orak/internal/media/mediatest"
	"orak/test/stack"
	"orak/worker"
)

const (
	// patience bounds every wait of these tests.
	patience = 3 * time.Minute
	tick     = 100 * time.Millisecond
	// trouble is how long each kind of trouble lasts, and silence how long a stall
	// lasts, which a client detects later. Both are so long, compared with the
	// settings of newRig, that three counted attempts would be used up, like ten
	// minutes with the defaults.
	trouble = 4 * time.Second
	silence = 8 * time.Second
)

// rig is the whole program, with one of its servers behind a proxy.
type rig struct {
	t         *testing.T
	cfg       app.Config
	temporal  client.Client
	hook      *webhook
	proxy     *proxy
	recording []byte
	// contentType is the recording's; empty means audio/webm.
	contentType string
	url         string
	// tenant is the one of the uploads; empty means the default.
	tenant orak.Tenant

	mu       sync.Mutex
	accepted map[orak.UploadID]bool
	sent     int
	poisoned int
	sending  sync.WaitGroup
}

// newRig puts the proxy in front of the given dependency.
func newRig(t *testing.T, d orak.Dependency) *rig {
	t.Helper()
	servers := stack.Start(t)
	r := &rig{t: t, hook: newWebhook(t), accepted: map[orak.UploadID]bool{}}
	behind := func(one orak.Dependency, address string) string {
		if d != one {
			return address
		}
		r.proxy = newProxy(t, address)
		return r.proxy.address()
	}
	cfg := &r.cfg
	require.NoError(t, config.Defaults(cfg))
	cfg.Store.Endpoint = behind(orak.DependencyStore, servers.S3)
	cfg.Store.Bucket, cfg.Store.AccessKey, cfg.Store.SecretKey = servers.Bucket(t), servers.S3AccessKey, servers.S3SecretKey
	cfg.Store.StallTimeout = 400 * time.Millisecond
	cfg.Kafka.Brokers = []string{r.startKafka(d == orak.DependencyKafka)}
	cfg.Kafka.ReplicationFactor, cfg.Kafka.DeliveryTimeout = 1, 2*time.Second
	cfg.Temporal.Namespace = servers.Namespace(t)
	cfg.Temporal.Address = behind(orak.DependencyTemporal, servers.Temporal)
	cfg.Alert.WebhookURL = "http://" + behind(orak.DependencyAlertWebhook, strings.TrimPrefix(r.hook.URL, "http://"))
	cfg.Alert.Timeout = time.Second
	cfg.API.Addr, cfg.Admin.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Auth.Mode = auth.ModeNone
	cfg.API.OutboxInterval, cfg.API.OutboxMinAge = time.Second, time.Second
	if d == orak.DependencyModelServer {
		cfg.Worker.Engine = orak.EngineHTTP
		cfg.ModelServer.URL = "http://" + behind(d, newModelServer(t))
		cfg.ModelServer.Timeout = time.Second
	}
	w := &cfg.Worker
	w.Reuse = false // every upload has the same bytes
	w.ScratchDir, cfg.Index.Dir = t.TempDir(), t.TempDir()
	w.StopTimeout, w.AlertGroupWait = 2*time.Second, 500*time.Millisecond
	w.Budget.Delay, w.Budget.MaxDelay = 200*time.Millisecond, time.Second
	w.Settings.HeartbeatTimeout = 5 * time.Second
	w.Outage = worker.OutageConfig{GroupWait: time.Second, Quiet: 6 * time.Second, RepeatInterval: time.Hour, ReportInterval: 200 * time.Millisecond}
	r.temporal = servers.Client(t, cfg.Temporal.Namespace)
	var err error
	r.recording, err = os.ReadFile(mediatest.One(t, t.TempDir(), "tune.webm").Path)
	require.NoError(t, err)
	return r
}

// startKafka runs a broker only for the test and returns the address for the
// program, which is also the one that the broker advertises.
func (r *rig) startKafka(proxied bool) string {
	r.t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, "127.0.0.1:0")
		if err != nil || !proxied {
			return l, err
		}
		r.proxy = newProxy(r.t, l.Addr().String())
		addr, err := net.ResolveTCPAddr("tcp", r.proxy.address())
		return advertised{l, addr}, err
	}))
	require.NoError(r.t, err)
	r.t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()[0]
}

// start runs the program until the test ends.
func (r *rig) start() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	log, err := os.Create(filepath.Join(r.t.TempDir(), "orak.log"))
	require.NoError(r.t, err)
	a, err := app.Start(ctx, r.cfg, app.All(), slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})))
	require.NoError(r.t, err)
	r.url = "http://" + a.APIAddr()
	r.t.Cleanup(func() {
		stopping, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := a.Stop(stopping); err != nil {
			r.t.Errorf("stopping: %v", err)
		}
		stack.ShowLog(r.t, log.Name())
	})
}

// load sends n uploads one after the other, each until it is accepted.
func (r *rig) load(n int) {
	r.sending.Go(func() {
		for range n {
			r.mu.Lock()
			r.sent++
			key := fmt.Sprintf("%s-%d", r.t.Name(), r.sent)
			r.mu.Unlock()
			r.send(key, r.recording)
		}
	})
}

// errRefused is a final refusal.
var errRefused = errors.New("the upload is refused")

// send sends one upload until it is accepted, as an app does.
func (r *rig) send(key string, body []byte) orak.UploadID {
	for r.t.Context().Err() == nil {
		id, err := r.try(key, body)
		if errors.Is(err, errRefused) {
			r.t.Error(err)
			return ""
		}
		if err == nil {
			r.mu.Lock()
			r.accepted[id] = true
			r.mu.Unlock()
			return id
		}
		time.Sleep(tick) // as an app does after Retry-After
	}
	return ""
}

func (r *rig) try(key string, body []byte) (orak.UploadID, error) {
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/v1/uploads", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", cmp.Or(r.contentType, "audio/webm"))
	req.Header.Set("Idempotency-Key", key)
	if r.tenant != "" {
		req.Header.Set(resource.HeaderTenant, string(r.tenant))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	switch code := resp.StatusCode; {
	case code >= 400 && code < 500 && code != http.StatusTooManyRequests && code != http.StatusRequestTimeout:
		return "", fmt.Errorf("%w: status %d: %s", errRefused, code, answer)
	case code != http.StatusAccepted:
		return "", fmt.Errorf("status %d: %s", code, answer)
	}
	var a resource.Accepted
	err = json.Unmarshal(answer, &a)
	return a.ID, err
}

// suffer puts the dependency through every kind of trouble, with uploads in
// progress and under load, and then heals it.
func (r *rig) suffer() {
	r.load(12)
	r.sending.Wait() // accepted, and most not yet completed
	for _, kind := range []struct {
		begin func()
		last  time.Duration
	}{{r.proxy.damage, trouble}, {r.proxy.stall, silence}, {r.proxy.reset, trouble}, {r.proxy.cut, trouble}} {
		r.proxy.next(kind.begin)
		r.load(4)
		time.Sleep(kind.last) // the duration of the outage is the subject of the test
	}
	r.proxy.heal()
	r.load(4)
	r.sending.Wait()
}
