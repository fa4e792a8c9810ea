package kafka_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
	"orak/internal/kafka"
)

// places is a main cluster and the two places of uploads, and the cables to these.
type places struct {
	main, primary, standby *kfake.Cluster
	cable                  *network // to primary
	router                 *kafka.Router
}

func setupPlaces(t *testing.T) *places {
	t.Helper()
	p := &places{cable: new(network)}
	var main *kgo.Client
	p.main, main, _ = setup(t)
	producers := map[kafka.Place]*kafka.Producer{}
	for place, c := range map[kafka.Place]**kfake.Cluster{kafka.Primary: &p.primary, kafka.Standby: &p.standby} {
		var cl *kgo.Client
		*c, cl, _ = setup(t)
		if place == kafka.Primary {
			cl = newClient(t, config(*c), kgo.Dialer(p.cable.dial))
		}
		producers[place] = kafka.NewProducer(cl)
	}
	p.router = kafka.NewRouter(kafka.NewProducer(main), producers)
	return p
}

func received(t *testing.T) events.Event {
	t.Helper()
	e, err := events.NewReceived(orak.Upload{
		ID: "0192f1c5-7a1e-7c3a-9d5e-0123456789ab", Tenant: "choir", Key: orak.OriginalKey("choir", "0192f1c5-7a1e-7c3a-9d5e-0123456789ab"),
		ContentType: "audio/wav", Size: 1, SHA256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", ReceivedAt: time.Now(),
	})
	require.NoError(t, err)
	return e
}

func TestRouterSendsUploadsToTheActivePlaceAndEverythingElseToMain(t *testing.T) {
	t.Parallel()
	p := setupPlaces(t)
	ctx := t.Context()
	require.Equal(t, kafka.Primary, p.router.Active())
	require.NoError(t, p.router.Publish(ctx, record("first", "v")))
	p.router.Activate(kafka.Standby)
	p.router.Activate("elsewhere")
	require.Equal(t, kafka.Standby, p.router.Active())
	require.NoError(t, p.router.PublishEvent(ctx, events.TopicUploads, received(t)))
	acked := make(chan error, 1)
	p.router.PublishEventAsync(ctx, events.TopicUploads, received(t), func(err error) { acked <- err })
	require.NoError(t, <-acked)
	cancel, err := events.NewCancellation(time.Now(), events.Cancellation{ID: "0192f1c5-7a1e-7c3a-9d5e-0123456789ab", Tenant: "choir", By: "ada"})
	require.NoError(t, err)
	require.NoError(t, p.router.PublishEvent(ctx, events.TopicUploads, cancel))
	require.NoError(t, p.router.Publish(ctx, &kgo.Record{Topic: events.TopicLifecycle, Value: []byte("v")}))
	require.NoError(t, p.router.Ping(ctx))

	require.Equal(t, "first", string(read(t, p.primary, events.TopicUploads, 1)[0].Key))
	require.Len(t, read(t, p.standby, events.TopicUploads, 3), 3)
	require.Len(t, read(t, p.main, events.TopicLifecycle, 1), 1)
	require.Len(t, read(t, p.main, events.TopicAudit, 1), 1, "the act of a request is recorded on the main cluster")
}

// A record that a dead cluster does not acknowledge must not be waited for: its marker is
// to be announced at the other place.
func TestSwitchEndsTheWaitForTheOtherPlace(t *testing.T) {
	t.Parallel()
	p := setupPlaces(t)
	require.NoError(t, p.router.Publish(t.Context(), record("before", "v")))
	p.cable.set(false)
	acked, sent := make(chan error, 2), make(chan error, 1)
	p.router.PublishEventAsync(t.Context(), events.TopicUploads, received(t), func(err error) { acked <- err })
	go func() { sent <- p.router.PublishEvent(t.Context(), events.TopicUploads, received(t)) }()
	select {
	case err := <-acked:
		require.Fail(t, "it must wait", "%v", err)
	case err := <-sent:
		require.Fail(t, "it must wait", "%v", err)
	case <-time.After(100 * time.Millisecond): // it is underway
	}
	began := time.Now()
	p.router.Activate(kafka.Standby)
	err := <-acked
	requireClass(t, err, orak.ClassDependency)
	require.ErrorContains(t, err, "were moved", "otherwise it waits for the delivery timeout")
	requireClass(t, <-sent, orak.ClassDependency)
	require.Less(t, time.Since(began), 10*time.Second)
	require.Empty(t, acked, "the result is given once")
	require.NoError(t, p.router.Publish(t.Context(), record("after", "v")))
}

func TestSwitchLetsTheOtherPlaceAcknowledgeWhatIsUnderway(t *testing.T) {
	t.Parallel()
	p := setupPlaces(t)
	acked := make(chan error, 50)
	for range cap(acked) {
		p.router.PublishEventAsync(t.Context(), events.TopicUploads, received(t), func(err error) { acked <- err })
	}
	p.router.Activate(kafka.Standby)
	for range cap(acked) {
		require.NoError(t, <-acked)
	}
}

func TestClustersHaveOneNameEach(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg  kafka.Config
		want map[kafka.Place]string // brokers
	}{
		"one":                  {kafka.Config{Brokers: []string{"a:1", "a:2"}}, map[kafka.Place]string{kafka.Primary: "a:1"}},
		"a fronting one":       {kafka.Config{Brokers: []string{"a:1"}, UploadsBrokers: []string{"b:1"}}, map[kafka.Place]string{kafka.Main: "a:1", kafka.Primary: "b:1"}},
		"main as the standby":  {kafka.Config{Brokers: []string{"a:1"}, UploadsBrokers: []string{"b:1"}, StandbyBrokers: []string{"a:1"}}, map[kafka.Place]string{kafka.Standby: "a:1", kafka.Primary: "b:1"}},
		"a standby of main":    {kafka.Config{Brokers: []string{"a:1"}, StandbyBrokers: []string{"b:1"}}, map[kafka.Place]string{kafka.Primary: "a:1", kafka.Standby: "b:1"}},
		"main, two for upload": {kafka.Config{Brokers: []string{"a:1"}, UploadsBrokers: []string{"b:1"}, StandbyBrokers: []string{"c:1"}}, map[kafka.Place]string{kafka.Main: "a:1", kafka.Primary: "b:1", kafka.Standby: "c:1"}},
	} {
		c.cfg.ReplicationFactor = -1
		require.NoError(t, c.cfg.Validate(), name)
		got := map[kafka.Place]string{}
		for i, cluster := range c.cfg.Clusters() {
			require.Equal(t, i == 0, cluster.Main, name)
			require.Equal(t, cluster.Name != kafka.Main, cluster.Uploads, name)
			got[cluster.Name] = cluster.Config.Brokers[0]
		}
		require.Equal(t, c.want, got, name)
	}
	for _, cfg := range []kafka.Config{
		{Brokers: []string{"a:1"}, StandbyBrokers: []string{"a:1"}},
		{Brokers: []string{"a:1"}, UploadsBrokers: []string{"b:1"}, StandbyBrokers: []string{"b:1", "c:1"}},
		{Brokers: []string{"a:1"}, UploadsBrokers: []string{"b"}},
		{Brokers: []string{"a:1"}, SwitchInterval: time.Millisecond},
	} {
		cfg.ReplicationFactor = -1
		require.Error(t, cfg.Validate())
	}
}
