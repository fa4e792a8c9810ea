package outage

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
	"orak/workflows"
)

// completed waits until every accepted upload is completed, and checks that each
// has one completed event.
func (r *rig) completed() {
	r.t.Helper()
	want := map[orak.UploadID]int{}
	for id := range r.accepted {
		want[id] = 1
	}
	require.NotEmpty(r.t, want)
	var got map[orak.UploadID]int
	require.Eventually(r.t, func() bool {
		got = r.completions()
		return len(got) >= len(want) || len(r.deadLetters()) > r.poisoned
	}, patience, 10*tick, "completed: %v", &got)
	require.Equal(r.t, want, got)
}

// completions counts the completed events of each upload of the test; a repeat of one
// has the same id.
func (r *rig) completions() map[orak.UploadID]int {
	r.t.Helper()
	seen, counts := map[string]bool{}, map[orak.UploadID]int{}
	for _, rec := range r.records(events.TopicLifecycle) {
		e, err := events.FromRecord(rec)
		require.NoError(r.t, err)
		if e.Type == events.Completed && (r.tenant == "" || r.accepted[e.Subject]) && !seen[e.ID] {
			seen[e.ID] = true
			counts[e.Subject]++
		}
	}
	return counts
}

// deadLetters returns the keys of the dead letters.
func (r *rig) deadLetters() (keys []string) {
	r.t.Helper()
	for _, rec := range r.records(events.TopicDeadLetters) {
		keys = append(keys, string(rec.Key))
	}
	return keys
}

// records reads a topic from its beginning to its present end.
func (r *rig) records(topic string) (all []*kgo.Record) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(r.cfg.Kafka.Brokers...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(r.t, err)
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, topic)
	require.NoError(r.t, err)
	var want int64
	ends.Each(func(o kadm.ListedOffset) { want += o.Offset })
	for int64(len(all)) < want {
		fetches := cl.PollFetches(ctx)
		require.NoError(r.t, ctx.Err())
		all = append(all, fetches.Records()...)
	}
	return all
}

// reported waits until the outage is over, and checks that one message reported
// it and one its end.
func (r *rig) reported(d orak.Dependency) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	require.NoError(r.t, r.temporal.GetWorkflow(ctx, workflows.OutageWorkflowID(d), "").Get(ctx, nil))
	down, over := 0, 0
	for _, m := range r.hook.messages() {
		r.t.Log(m)
		if strings.Contains(m, " has been unavailable since ") {
			down++
		}
		if strings.Contains(m, " again. The outage lasted ") {
			over++
		}
	}
	require.Equal(r.t, []int{1, 1}, []int{down, over})
}

// poison sends an upload that is dead-lettered because of its recording.
func (r *rig) poison() orak.UploadID {
	id := r.send("poisoned", poisoned())
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.accepted, id)
	r.poisoned++
	return id
}

// message waits for the message that contains text.
func (r *rig) message(text string) (found string) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		for _, m := range r.hook.messages() {
			if strings.Contains(m, text) {
				found = m
			}
		}
		return found != ""
	}, patience, tick)
	return found
}

// webhook keeps the messages that it receives.
type webhook struct {
	*httptest.Server
	mu    sync.Mutex
	texts []string
}

func newWebhook(t *testing.T) *webhook {
	t.Helper()
	h := &webhook{}
	h.Server = httptest.NewServer(http.HandlerFunc(h.take))
	t.Cleanup(h.Close)
	return h
}

func (h *webhook) take(w http.ResponseWriter, r *http.Request) {
	var body struct{ Text string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.texts = append(h.texts, body.Text)
}

func (h *webhook) messages() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.texts...)
}
