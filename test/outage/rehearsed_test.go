package outage

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/internal/media/mediatest"
	"orak/test/stack"
	"orak/workflows"
)

// rehearsedTrouble is how long a service is down, and then how long it is frozen.
// With the settings of docker-compose.yml, three counted attempts are used up in
// either.
const rehearsedTrouble = 20 * time.Second

// TestRehearsedOutageIsABacklog takes away the servers of a rehearsal, one case
// after the other: first they are killed and kept down, then they run again and are
// frozen.
func TestRehearsedOutageIsABacklog(t *testing.T) {
	for _, c := range []struct {
		name     string
		services []string
		// accepts says that uploads are accepted meanwhile.
		accepts bool
		// reported is the dependency of which one outage is reported; empty for none.
		reported orak.Dependency
	}{
		{"PostgreSQL", []string{"postgres"}, true, ""},
		{"Temporal", []string{"temporal"}, true, ""},
		{"one broker of three", []string{"kafka-2"}, true, ""},
		{"two brokers of three", []string{"kafka-1", "kafka-3"}, true, orak.DependencyKafka},
		{"the store", []string{"s3"}, false, orak.DependencyStore},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRehearsed(t)
			r.load(12)
			r.sending.Wait() // accepted, and most not yet completed
			r.during(c.accepts, func() { r.down(c.services) })
			r.during(c.accepts, func() { r.frozen(c.services) })
			r.load(4)
			r.sending.Wait()
			r.completed()
			r.requireNoDeadLetters()
			r.requireReports(c.reported)
		})
	}
}

// rehearsed is the service of a rehearsal, with the requests of a test.
type rehearsed struct {
	*rig
	*stack.Rehearsal
	began time.Time
}

func newRehearsed(t *testing.T) *rehearsed {
	t.Helper()
	rehearsal, err := stack.OpenRehearsal()
	require.NoError(t, err)
	r := &rehearsed{rig: &rig{t: t, accepted: map[orak.UploadID]bool{}}, Rehearsal: rehearsal, began: time.Now()}
	r.url, err = rehearsal.API()
	require.NoError(t, err)
	r.tenant = orak.Tenant("outage-" + strings.ToLower(rand.Text()[:8]))
	r.recording, r.contentType = mediatest.WAV(16000, 1, mediatest.Tune(16000)), "audio/wav"
	servers := rehearsal.Servers()
	r.cfg.Kafka.Brokers = strings.Split(servers.Kafka, ",")
	r.temporal, err = client.NewLazyClient(client.Options{HostPort: servers.Temporal})
	require.NoError(t, err)
	t.Cleanup(r.temporal.Close)
	r.poisoned = len(r.deadLetters()) // those of earlier tests
	return r
}

// during sends uploads while trouble lasts, and waits until each is accepted.
func (r *rehearsed) during(accepts bool, trouble func()) {
	r.t.Helper()
	sent := make(chan struct{})
	r.load(6)
	go func() { r.sending.Wait(); close(sent) }()
	trouble()
	if !accepts {
		return
	}
	select {
	case <-sent:
	default:
		r.t.Error("uploads were not accepted during the outage")
	}
}

// down kills services, keeps them down for a while, and waits for their return.
func (r *rehearsed) down(services []string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	last := map[string]chan int{}
	for _, name := range services {
		ended := make(chan int, 1)
		last[name] = ended
		go func() {
			killed, err := r.KillFor(ctx, name, rehearsedTrouble)
			if err != nil || len(killed) == 0 {
				r.t.Errorf("killed %v: %v", killed, err)
				killed = []int{0}
			}
			ended <- killed[len(killed)-1]
		}()
	}
	for name, ended := range last {
		_, err := r.AwaitHealthy(ctx, name, <-ended)
		require.NoError(r.t, err)
	}
}

// frozen stops the processes of services for a while: they keep their connections
// and answer nothing.
func (r *rehearsed) frozen(services []string) {
	r.t.Helper()
	for _, name := range services {
		_, err := r.Signal(name, syscall.SIGSTOP)
		require.NoError(r.t, err)
		defer func() {
			_, err := r.Signal(name, syscall.SIGCONT)
			require.NoError(r.t, err)
		}()
	}
	time.Sleep(rehearsedTrouble) // the duration of the outage is the subject of the test
}

// requireNoDeadLetters checks that none of the test's uploads was given up.
func (r *rehearsed) requireNoDeadLetters() {
	r.t.Helper()
	letters := slices.DeleteFunc(r.deadLetters(), func(id string) bool { return !r.accepted[orak.UploadID(id)] })
	require.Empty(r.t, letters)
}

// requireReports waits until no outage is open, and checks that one of the
// dependency was reported, and none of others.
func (r *rehearsed) requireReports(want orak.Dependency) {
	r.t.Helper()
	for _, d := range []orak.Dependency{orak.DependencyStore, orak.DependencyKafka} {
		id, n := workflows.OutageWorkflowID(d), 0
		if d == want {
			n = 1
		}
		var found int64
		require.Eventually(r.t, func() bool {
			open, all := r.count(fmt.Sprintf("WorkflowId = '%s' AND ExecutionStatus = 'Running'", id)),
				r.count(fmt.Sprintf("WorkflowId = '%s' AND StartTime > '%s'", id, r.began.UTC().Format(time.RFC3339)))
			found = all
			return open == 0 && all >= int64(n)
		}, patience, 5*tick, "%s: %d reports", d, &found)
		require.EqualValues(r.t, n, found, "reports of %s", d)
	}
}

func (r *rehearsed) count(query string) int64 {
	r.t.Helper()
	answer, err := r.temporal.CountWorkflow(r.t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	require.NoError(r.t, err)
	return answer.GetCount()
}
