package reconcile_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"orak"
	"orak/activities"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/kafka/switchover"
	"orak/operate/reconcile"
)

// The bridges have committed a record of the standby, and its upload has no workflow: it is
// found there, too, whatever dead letter the other cluster's record at that position has.
func TestMissingUploadsOfTheStandbyAreStarted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	standby, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("standby"))
	require.NoError(t, err)
	t.Cleanup(standby.Close)
	there := *b
	there.kafka.Brokers = standby.ListenAddrs()
	there.cl, err = kafka.NewClient(there.kafka, quiet())
	require.NoError(t, err)
	t.Cleanup(there.cl.Close)
	there.admin = kadm.NewClient(there.cl)
	there.topics()
	b.cfg.Kafka.StandbyBrokers = standby.ListenAddrs()

	here, missing := newUpload(), newUpload()
	b.announce(here)
	at := there.announce(missing)[0]
	now := time.Now()
	letter := events.DeadLetter{FailedAt: now, Failure: orak.Failure{Stage: orak.StageReceive, Class: orak.ClassInternal, Message: "Refused.", FirstAt: now, LastAt: now}}
	letter.Origin = events.OriginOf(at)
	letter.Origin.Key = []byte(newUpload().ID)
	require.NoError(t, b.cl.ProduceSync(b.ctx, letter.Record()).FirstErr())
	b.pass()
	there.pass()
	b.start()
	require.Equal(t, 2, b.counts().Started)
	require.True(t, b.known(here))
	require.True(t, b.known(missing))
	require.Zero(t, b.counts().Started)

	// A standby that is away and not active keeps no run from ending.
	standby.Close()
	require.Eventually(t, func() bool { return strings.Contains(b.log.String(), "kafka cluster cannot be reached") }, within, tick)
	again := newUpload()
	b.announce(again)
	b.pass()
	require.Equal(t, 1, b.counts().Started)
	require.True(t, b.known(again))
}

// The primary came back in part: it answers, and a partition has no leader.
func TestPlaceThatIsNotActiveKeepsNoOtherFromBeingExamined(t *testing.T) {
	t.Parallel()
	b := setup(t)
	primary, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("primary"))
	require.NoError(t, err)
	t.Cleanup(primary.Close)
	there := *b
	there.kafka.Brokers = primary.ListenAddrs()
	there.cl, err = kafka.NewClient(there.kafka, quiet())
	require.NoError(t, err)
	t.Cleanup(there.cl.Close)
	there.admin = kadm.NewClient(there.cl)
	there.topics()
	b.cfg.Kafka.UploadsBrokers, b.cfg.Kafka.StandbyBrokers = primary.ListenAddrs(), b.kafka.Brokers
	b.put(switchover.Key, `{"schema":1,"active":"standby","version":1}`)

	here, behind := newUpload(), newUpload()
	b.announce(here)
	there.announce(behind)
	b.pass()
	there.pass()
	var broken atomic.Bool
	broken.Store(true)
	primary.ControlKey(int16(kmsg.ListOffsets), func(k kmsg.Request) (kmsg.Response, error, bool) {
		primary.KeepControl()
		if !broken.Load() {
			return nil, nil, false
		}
		return withoutLeader(k.(*kmsg.ListOffsetsRequest)), nil, true
	})
	b.start()
	report := b.reconcile()
	require.True(t, b.known(here), "the active one is examined")
	require.Equal(t, activities.ReconcileCounts{Examined: 1, Started: 1, Errors: 1}, report.Steps[activities.StepMissing])
	require.Contains(t, b.log.String(), "cluster cannot be examined")
	require.False(t, b.known(behind))

	broken.Store(false)
	require.Equal(t, 1, b.counts().Started, "its mark stayed")
	require.True(t, b.known(behind))
}

// withoutLeader answers that no partition has a leader.
func withoutLeader(asked *kmsg.ListOffsetsRequest) kmsg.Response {
	answer := asked.ResponseKind().(*kmsg.ListOffsetsResponse)
	for _, topic := range asked.Topics {
		some := kmsg.NewListOffsetsResponseTopic()
		some.Topic = topic.Topic
		for _, p := range topic.Partitions {
			one := kmsg.NewListOffsetsResponseTopicPartition()
			one.Partition, one.ErrorCode = p.Partition, kerr.LeaderNotAvailable.Code
			some.Partitions = append(some.Partitions, one)
		}
		answer.Topics = append(answer.Topics, some)
	}
	return answer
}

// A worker with a standby began the run, and one without goes on with it.
func TestRunThatAWorkerWithMorePlacesBeganEnds(t *testing.T) {
	t.Parallel()
	missing := reconcile.New(time.Minute, reconcile.Deps{Log: quiet()}).Menders()[activities.StepMissing]
	marks := `{"offsets":{"0":3},"at":"2026-11-29T00:00:00Z","others":{"standby":{"offsets":{"0":5},"at":"2026-11-28T00:00:00Z"}}}`
	done, err := missing.Mend(t.Context(), activities.ReconcilePage{Step: activities.StepMissing, Size: 10, Cursor: `{"place":1,"left":null,"marks":` + marks + `}`})
	require.NoError(t, err)
	require.Empty(t, done.Cursor)
	require.JSONEq(t, marks, done.Mark)
}
