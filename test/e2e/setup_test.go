package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/api/resource"
	"orak/events"
	"orak/test/stack"
)

// patience bounds every wait of these tests. It is generous: the tests
// check that things end, not how soon.
const patience = 6 * time.Minute

// kafkaEnv names an external broker to test against.
const kafkaEnv = "ORAK_E2E_KAFKA"

// app is one running orak, with the requests of a test.
type app struct {
	*stack.Process
	// kafka has one broker or several.
	kafka []string
	// tenant is the one of every request.
	tenant orak.Tenant
	client *http.Client
	// query describes every upload; it may be empty.
	query string
}

func startApp(t *testing.T, env ...string) *app {
	t.Helper()
	return startAppOn(t, os.Getenv(kafkaEnv), env...)
}

// startAppOn uses the given broker; empty means the app's own.
func startAppOn(t *testing.T, broker string, env ...string) *app {
	t.Helper()
	opts := stack.Options{Env: append([]string{"ORAK_LOG_LEVEL=warn"}, env...)}
	if broker != "" {
		opts.Args = append(opts.Args, "--kafka-brokers="+broker)
	}
	p := stack.StartUp(t, opts)
	if broker == "" {
		broker = p.Kafka
	}
	return newApp(p, broker, orak.DefaultTenant)
}

// startShared returns the rehearsal that runs, for a test that needs no process of
// its own; where none runs, it starts an app, which alone has the settings of env.
func startShared(t *testing.T, env ...string) *app {
	t.Helper()
	r, err := stack.OpenRehearsal()
	if errors.Is(err, stack.ErrNoRehearsal) {
		return startApp(t, env...)
	}
	require.NoError(t, err)
	api, err := r.API()
	require.NoError(t, err)
	servers := r.Servers()
	tenant := orak.Tenant("e2e-" + strings.ToLower(rand.Text()[:8]))
	return newApp(&stack.Process{Servers: servers, API: api}, servers.Kafka, tenant)
}

func newApp(p *stack.Process, brokers string, tenant orak.Tenant) *app {
	return &app{Process: p, kafka: strings.Split(brokers, ","), tenant: tenant, client: &http.Client{Transport: asTenant(tenant)}}
}

// asTenant sends every request that names no tenant as its own.
type asTenant orak.Tenant

// RoundTrip implements http.RoundTripper.
func (a asTenant) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Header.Get(resource.HeaderTenant) == "" {
		req = req.Clone(req.Context())
		req.Header.Set(resource.HeaderTenant, string(a))
	}
	return http.DefaultTransport.RoundTrip(req)
}

// sending is one request to upload; an empty field omits its header.
type sending struct {
	body           []byte
	contentType    string
	filename       string
	idempotencyKey string
}

// send posts s and returns the status and the whole answer.
func (a *app) send(ctx context.Context, s sending) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.API+"/v1/uploads?"+a.query, bytes.NewReader(s.body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", s.contentType)
	if s.filename != "" {
		req.Header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": s.filename}))
	}
	if s.idempotencyKey != "" {
		req.Header.Set("Idempotency-Key", s.idempotencyKey)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// upload sends a file that must be accepted.
func (a *app) upload(t *testing.T, path string) resource.Accepted {
	t.Helper()
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	status, answer, err := a.send(t.Context(), sending{body: body, contentType: "audio/wav", filename: filepath.Base(path)})
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, status, "%s: %s", filepath.Base(path), answer)
	var accepted resource.Accepted
	require.NoError(t, json.Unmarshal(answer, &accepted))
	require.EqualValues(t, len(body), accepted.Size)
	return accepted
}

// get decodes the JSON at path; a status other than 200 is an error.
func (a *app) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.API+path, nil)
	if err != nil {
		return err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return fmt.Errorf("GET %s: %d %s", path, resp.StatusCode, answer)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// awaitEnd waits until the upload is final or parked.
func (a *app) awaitEnd(t *testing.T, id orak.UploadID) resource.Upload {
	t.Helper()
	return a.await(t, id, func(s orak.Status) bool { return s.Final() || s == orak.StatusDeadLettered })
}

// await waits until wanted accepts the upload's status.
func (a *app) await(t *testing.T, id orak.UploadID, wanted func(orak.Status) bool) resource.Upload {
	t.Helper()
	var last resource.Upload
	require.Eventually(t, func() bool {
		var u resource.Upload
		if err := a.get(t.Context(), "/v1/uploads/"+string(id), &u); err != nil {
			t.Logf("asking for %s: %v", id, err)
			return false
		}
		last = u
		return wanted(u.Status)
	}, patience, 100*time.Millisecond, "upload %s did not get there; it is %+v", id, &last)
	return last
}

// completions reads orak.lifecycle until every id has a completed event, and
// then to its present end. It returns the event ids by upload.
func (a *app) completions(t *testing.T, ids map[orak.UploadID]bool) map[orak.UploadID]map[string]int {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(a.kafka...), kgo.ConsumeTopics(events.TopicLifecycle),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	found := map[orak.UploadID]map[string]int{}
	for len(found) < len(ids) {
		fetches := cl.PollFetches(ctx)
		require.NoError(t, ctx.Err(), "%d of %d uploads have a completed event", len(found), len(ids))
		fetches.EachRecord(func(r *kgo.Record) {
			e, err := events.FromRecord(r)
			require.NoError(t, err)
			if e.Type != events.Completed || !ids[e.Subject] {
				return
			}
			if found[e.Subject] == nil {
				found[e.Subject] = map[string]int{}
			}
			found[e.Subject][e.ID]++
		})
	}
	return found
}

// deadLetter waits for the upload's record on orak.dead-letters.
func (a *app) deadLetter(t *testing.T, id orak.UploadID) events.DeadLetter {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(a.kafka...), kgo.ConsumeTopics(events.TopicDeadLetters),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		fetches := cl.PollFetches(ctx)
		require.NoError(t, ctx.Err(), "no dead letter of %s", id)
		for r := range fetches.RecordsAll() {
			if string(r.Key) != string(id) {
				continue
			}
			letter, err := events.DeadLetterFrom(r)
			require.NoError(t, err)
			return letter
		}
	}
}
