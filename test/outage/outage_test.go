package outage

import (
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
)

func TestStoreOutageIsABacklog(t *testing.T) {
	t.Parallel()
	r := newRig(t, orak.DependencyStore)
	r.start()
	r.suffer()
	r.completed()
	r.reported(orak.DependencyStore)
	require.Len(t, r.hook.messages(), 2)
	require.Empty(t, r.deadLetters())
}

func TestKafkaOutageIsABacklog(t *testing.T) {
	t.Parallel()
	r := newRig(t, orak.DependencyKafka)
	r.start()
	r.suffer()
	r.completed()
	r.reported(orak.DependencyKafka)
	require.Len(t, r.hook.messages(), 2)
	require.Empty(t, r.deadLetters())
}

func TestModelServerOutageIsABacklog(t *testing.T) {
	t.Parallel()
	r := newRig(t, orak.DependencyModelServer)
	r.start()
	r.suffer()
	r.completed()
	r.reported(orak.DependencyModelServer)
	require.Len(t, r.hook.messages(), 2)
	require.Empty(t, r.deadLetters())
}

// Only a message reveals the outage of the alert webhook, so one upload is
// poisoned.
func TestAlertWebhookOutageDelaysItsMessages(t *testing.T) {
	t.Parallel()
	r := newRig(t, orak.DependencyAlertWebhook)
	r.start()
	r.proxy.next(r.proxy.damage)
	poisoned := r.poison()
	r.suffer()
	r.completed()
	r.reported(orak.DependencyAlertWebhook)
	require.Contains(t, r.message("1 upload dead-lettered"), string(poisoned))
	require.Len(t, r.hook.messages(), 3)
	require.Equal(t, []string{string(poisoned)}, r.deadLetters())
}

// Without Temporal only the bridge can report the outage; the promise is that
// uploads are accepted, and that nothing is lost.
func TestTemporalOutageIsABacklog(t *testing.T) {
	t.Parallel()
	r := newRig(t, orak.DependencyTemporal)
	r.start()
	r.suffer()
	r.completed()
	require.Empty(t, r.hook.messages())
	require.Empty(t, r.deadLetters())
}
