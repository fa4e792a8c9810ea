package conformance

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"
	"time"

	"orak"
	"orak/internal/modelserver"
)

// Check is the result of one check.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Why says what the server did, or what was wrong.
	Why string `json:"why"`
}

// Target is the server to check, and its protocol.
type Target struct {
	URL string
	// OIP selects the Open Inference Protocol instead of orak's own contract; Model
	// is the name of the model there.
	OIP   bool
	Model string
	// Timeout bounds one answer.
	Timeout time.Duration
	Access  modelserver.Access
}

// window and around are the windows of a long recording: short, so that a few
// seconds have several seams.
const (
	window = 3 * time.Second
	around = 500 * time.Millisecond
)

// suite is the state of one run.
type suite struct {
	target Target
	base   string
	client *modelserver.Client
	http   *http.Client
	// tls is for connections of https addresses.
	tls    *tls.Config
	engine orak.Engine
	// slots is the number of concurrent requests that the server takes, including
	// those that wait.
	slots int
}

// Run runs the checks in order and calls report with each. It ends after a failed
// check without which the others make no sense, and with ctx. An error is a
// *secure.WrongSetting for a file of Access that cannot be used; then nothing was checked.
func Run(ctx context.Context, target Target, report func(Check)) error {
	secured, err := target.Access.Client(modelserver.Prefix)
	if err != nil {
		return err
	}
	s := &suite{
		target: target, base: strings.TrimSuffix(target.URL, "/"),
		client: modelserver.New(modelserver.Config{
			URL: target.URL, Model: target.Model, Timeout: target.Timeout, Window: window, Context: around, Patience: target.Timeout,
			Access: target.Access,
		}),
		tls: secured,
		http: &http.Client{
			Timeout:       target.Timeout,
			Transport:     &http.Transport{MaxIdleConnsPerHost: maxLoad, TLSClientConfig: secured},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	defer s.http.CloseIdleConnections()
	for _, step := range s.steps() {
		why, err := step.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			why = err.Error()
		}
		report(Check{Name: step.name, OK: err == nil, Why: why})
		if err != nil && step.needed {
			return nil
		}
	}
	return nil
}

// authorize adds the target's token, if there is one.
func (s *suite) authorize(h http.Header) {
	if token := s.target.Access.Token; token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
}

// step is one check; look returns what the server did.
type step struct {
	name string
	look func(context.Context) (string, error)
	// needed means that the other checks make no sense if this one fails.
	needed bool
}

func (s *suite) steps() []step {
	first := []step{
		{"live", s.answers("/livez"), true},
		{"ready", s.answers(modelserver.ReadyPath), true},
		{"capacity", s.capacity, true},
	}
	refusals := s.refusals()
	if s.target.OIP {
		first = []step{
			{"live", s.answers("/v2/health/live"), true},
			{"ready", s.answers(modelserver.OIPReadyPath), true},
			{"model", s.metadata, true},
		}
		refusals = s.refusalsOIP()
	}
	steps := append(first,
		step{"a tone", s.tone, true},
		step{"silence", s.silence, false},
		step{"an empty recording", s.empty, false},
		step{"a recording longer than a window", s.long, false},
		step{"results repeat", s.repeat, false},
	)
	steps = append(steps, refusals...)
	return append(steps, step{"more at once than it takes", s.load, false})
}
