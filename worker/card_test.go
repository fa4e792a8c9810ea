package worker_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"orak"
	"orak/activities"
	"orak/internal/modelserver"
	"orak/worker"
)

// card is a model server with orak's contract and little memory: more than room
// concurrent requests, or more than roomSeconds of audio, kill it. With admission it
// answers 429 before, as the reference server does.
type card struct {
	*httptest.Server
	room        int
	roomSeconds float64
	admits      bool
	work        time.Duration
	// slot is held by the request that runs; the others wait.
	slot chan struct{}

	mu       sync.Mutex
	unready  bool // never ready
	refuse   int  // the next requests to refuse, whatever the room
	inFlight int
	seconds  float64
	asked    int // requests for its readiness
	refused  int
	analyzed int
	kills    int
}

// newCard makes a card with room for 4 requests and 6 s of audio, which admits less.
func newCard(t *testing.T) *card {
	t.Helper()
	c := &card{room: 4, roomSeconds: 6, admits: true, work: 25 * time.Millisecond, slot: make(chan struct{}, 2)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", c.readyz)
	mux.HandleFunc("GET /v1/capacity", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"engine":{"name":"card","version":"1"},"slots":2,"queue":1,"memory_bytes_per_second":1000}`)
	})
	mux.HandleFunc("POST /v1/analyze", c.analyze)
	c.Server = httptest.NewServer(mux)
	t.Cleanup(c.Close)
	return c
}

func (c *card) readyz(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if c.unready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (c *card) analyze(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	seconds := float64(len(body)-44) / 2 / modelserver.SampleRate
	status, died := c.enter(seconds)
	if died {
		_ = c.Listener.Close()
		go c.CloseClientConnections()
	}
	if status != http.StatusOK {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(status)
		return
	}
	// A device finishes its work, whether or not the caller still waits.
	c.slot <- struct{}{}
	time.Sleep(c.work)
	<-c.slot
	c.leave(seconds)
	_, _ = io.WriteString(w, `{"engine":{"name":"card","version":"1"},"pitch_curve":{}}`)
}

func (c *card) enter(seconds float64) (status int, died bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	full := c.admits && (c.inFlight+1 >= c.room || c.seconds+seconds >= c.roomSeconds)
	switch {
	case c.unready:
		return http.StatusServiceUnavailable, false
	case full || c.refuse > 0:
		c.refuse = max(c.refuse-1, 0)
		c.refused++
		return http.StatusTooManyRequests, false
	}
	c.inFlight++
	c.seconds += seconds
	if c.inFlight > c.room || c.seconds > c.roomSeconds {
		c.kills++
		return http.StatusInternalServerError, true
	}
	return http.StatusOK, false
}

func (c *card) leave(seconds float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight--
	c.seconds -= seconds
	c.analyzed++
}

func (c *card) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// read returns one of the counts.
func (c *card) read(n *int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *n
}

// client returns a client that retries a busy card in place for patience.
func (c *card) client(patience time.Duration) *modelserver.Client {
	return modelserver.New(modelserver.Config{URL: c.URL, Timeout: time.Minute, Window: 2 * time.Second, Patience: patience})
}

// use makes the card the model server of the workers and of the gate.
func (r *rig) use(c *card, patience time.Duration) {
	r.deps.Analyzer = remote{c.client(patience)}
	r.deps.ModelServer = gated{c.client(0)}
}

// remote sends a recording of n bytes as n seconds of audio, each with the level of
// its byte.
type remote struct{ client *modelserver.Client }

var (
	_ activities.Analyzer = remote{}
	_ activities.Prover   = remote{}
)

func (remote) Identity(context.Context) (orak.Engine, error) { return orak.Engine{}, nil }

func (a remote) Analyze(ctx context.Context, wav io.Reader, _ func(float64)) (orak.Analysis, orak.PitchCurve, error) {
	data, err := io.ReadAll(wav)
	if err != nil {
		return orak.Analysis{}, orak.PitchCurve{}, err
	}
	sent := a.client.Start(ctx, false)
	defer sent.Abandon()
	for _, b := range data {
		second := slices.Repeat([]float64{float64(b) / 256}, modelserver.SampleRate)
		if err := sent.Push(second); err != nil {
			return orak.Analysis{}, orak.PitchCurve{}, err
		}
	}
	found, err := sent.Finish()
	return orak.Analysis{Engine: found.Engine}, found.Curve, err
}

func (a remote) Prove(ctx context.Context, audio time.Duration) error {
	return a.client.Prove(ctx, false, audio)
}

type gated struct{ client *modelserver.Client }

var _ worker.ModelServer = gated{}

func (g gated) Ready(ctx context.Context) error { return g.client.Ready(ctx, modelserver.ReadyPath) }

func (g gated) MemoryPerSecond(ctx context.Context) (int64, error) {
	c, err := g.client.Capacity(ctx)
	return c.MemoryBytesPerSecond, err
}
