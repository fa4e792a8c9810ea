package app

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/kafka/consume"
	"orak/internal/objectstore"
	"orak/operate/clusters"
	"orak/operate/lag"
	"orak/operate/replay"
	"orak/test/stack"
	"orak/workflows"
)

// divided is a service whose uploads lie on two clusters of their own.
type divided struct {
	t                *testing.T
	cfg              Config
	primary, standby *kfake.Cluster
	temporal         client.Client
}

func newDivided(t *testing.T, args ...string) *divided {
	t.Helper()
	servers := stack.Start(t)
	d := &divided{t: t, primary: newCluster(t, "primary"), standby: newCluster(t, "standby")}
	d.cfg = bridgeSettings(t, servers, append([]string{
		"--api-addr=127.0.0.1:0", "--auth=none", "--s3-bucket=" + servers.Bucket(t), "--scratch-dir=" + t.TempDir(), "--index-dir=" + t.TempDir(), "--kafka-switch-interval=500ms",
		"--kafka-uploads-brokers=" + strings.Join(d.primary.ListenAddrs(), ","), "--kafka-standby-brokers=" + strings.Join(d.standby.ListenAddrs(), ","),
		"--api-outbox-interval=1s", "--api-outbox-min-age=2s", "--lag-interval=200ms", "--lag-window=2s",
	}, args...)...)
	require.NoError(t, d.cfg.Kafka.Validate())
	d.temporal = servers.Client(t, d.cfg.Temporal.Namespace)
	return d
}

func newCluster(t *testing.T, id string) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID(id))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func (d *divided) start(roles Roles, id string) process {
	d.t.Helper()
	cfg := d.cfg
	cfg.InstanceID = id
	return startProcess(d.t, cfg, roles)
}

// clusters calls do as the commands do.
func (d *divided) clusters(do func(*clusters.Clusters) error) error {
	return KafkaClusters(KafkaConfig{Kafka: d.cfg.Kafka, Store: d.cfg.Store}, slog.New(slog.DiscardHandler), do)
}

func (d *divided) switchTo(p kafka.Place) clusters.Result {
	d.t.Helper()
	return d.switchBy(clusters.Request{To: p, By: "ada", Reason: "test", At: time.Now()})
}

func (d *divided) switchBy(request clusters.Request) (r clusters.Result) {
	d.t.Helper()
	require.NoError(d.t, d.clusters(func(c *clusters.Clusters) (err error) {
		r, err = c.Switch(d.t.Context(), request)
		return err
	}))
	require.True(d.t, r.Changed)
	return r
}

func (d *divided) status() (s clusters.Status) {
	d.t.Helper()
	require.NoError(d.t, d.clusters(func(c *clusters.Clusters) (err error) {
		s, err = c.Status(d.t.Context())
		return err
	}))
	return s
}

// announced counts the announcements of each upload on a cluster.
func (d *divided) announced(c *kfake.Cluster) map[string]int {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), within)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics(events.TopicUploads), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(d.t, err)
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, events.TopicUploads)
	require.NoError(d.t, err)
	var total int64
	ends.Each(func(o kadm.ListedOffset) { total += o.Offset })
	found, read := make(map[string]int), int64(0)
	for read < total {
		fetches := cl.PollFetches(ctx)
		require.NoError(d.t, ctx.Err())
		fetches.EachRecord(func(r *kgo.Record) { read++; found[string(r.Key)]++ })
	}
	return found
}

// started reports whether the upload has a workflow.
func (d *divided) started(id string) bool {
	_, err := d.temporal.DescribeWorkflowExecution(d.t.Context(), workflows.UploadWorkflowID(orak.UploadID(id)), "")
	return err == nil
}

// uploads sends one after the other until stopped, and returns the ids of those that were
// taken and the answers that were none.
func uploads(p process) (stop func() (ids []string, refused []int)) {
	done, ended := make(chan struct{}), make(chan struct{})
	var ids []string
	var refused []int
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
			resp := p.upload("choir", "")
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusAccepted {
				refused = append(refused, resp.StatusCode)
				continue
			}
			ids = append(ids, strings.TrimPrefix(resp.Header.Get("Location"), "/v1/uploads/"))
		}
	}()
	var once sync.Once
	return func() ([]string, []int) {
		once.Do(func() { close(done) })
		<-ended
		return ids, refused
	}
}

func TestSwitchMovesProducersWhileUploadsGoOn(t *testing.T) {
	t.Parallel()
	d := newDivided(t)
	api, bridge := d.start(Roles{API: true}, "api"), d.start(Roles{Bridge: true, Index: true}, "bridge")
	stop := uploads(api)
	defer stop()
	moved := func(to kafka.Place) {
		began := time.Now()
		require.Eventually(t, func() bool { return api.producer.Active() == to && bridge.producer.Active() == to }, within, 10*time.Millisecond)
		t.Logf("producers moved to %s within %v", to, time.Since(began).Round(time.Millisecond))
	}
	require.Eventually(t, func() bool { return len(d.announced(d.primary)) > 20 }, within, 50*time.Millisecond)
	r := d.switchTo(kafka.Standby)
	require.True(t, r.Recorded, r.Unrecorded)
	moved(kafka.Standby)
	before := len(d.announced(d.primary))
	require.Eventually(t, func() bool { return len(d.announced(d.standby)) > 20 }, within, 50*time.Millisecond)
	require.Len(t, d.announced(d.primary), before, "nothing is announced there any more")
	require.Eventually(t, func() bool { s := d.status(); return s.Active == kafka.Standby && s.Places[0].Drained }, within, 50*time.Millisecond)
	require.True(t, bridge.shows(`orak_kafka_uploads_active{cluster="standby"} 1`))
	require.True(t, bridge.shows(`orak_kafka_cluster_reachable{cluster="primary"} 1`))
	require.Eventually(t, func() bool { return bridge.shows(`orak_lag_group_status{cluster="standby",group="orak-bridge"} 0`) }, within, 50*time.Millisecond)
	d.switchTo(kafka.Primary)
	moved(kafka.Primary)
	require.Eventually(t, func() bool { return len(d.announced(d.primary)) > before+10 }, within, 50*time.Millisecond)

	ids, refused := stop()
	require.Empty(t, refused, "uploads are taken throughout")
	for _, id := range ids {
		require.Eventually(t, func() bool { return d.started(id) }, within, 20*time.Millisecond, "%s of %d", id, len(ids))
	}
	primary, standby := d.announced(d.primary), d.announced(d.standby)
	for _, id := range ids {
		require.Equal(t, 1, primary[id]+standby[id], "a switch between healthy clusters announces nothing twice")
	}
	require.Eventually(t, func() bool { s := d.status(); return s.Places[0].Drained && s.Places[1].Drained }, within, 50*time.Millisecond)
	for _, p := range d.status().Places {
		require.Equal(t, 1, *p.Members, p.Name)
	}
	for _, id := range ids {
		require.Eventually(t, func() bool {
			_, err := bridge.index.Get(t.Context(), "choir", orak.UploadID(id))
			return err == nil
		}, within, 20*time.Millisecond, "the index reads both")
	}
}

// After a switch, the other cluster may be dead for good: nothing may depend on it.
func TestProcessesStartAndWorkWithoutThePlaceThatIsNotActive(t *testing.T) {
	t.Parallel()
	d := newDivided(t)
	d.switchTo(kafka.Standby)
	d.primary.Close()
	var log syncBuffer
	start := func(roles Roles, id string) process {
		cfg := d.cfg
		cfg.InstanceID = id
		a, err := Start(t.Context(), cfg, roles, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})))
		require.NoError(t, err)
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), within)
			defer cancel()
			require.NoError(t, a.Stop(ctx))
		})
		return process{a, t}
	}
	began := time.Now()
	api, bridge := start(Roles{API: true}, "api"), start(Roles{Bridge: true, Index: true}, "bridge")
	t.Logf("started within %v", time.Since(began).Round(time.Millisecond))
	resp := api.upload("choir", "")
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusAccepted, resp.StatusCode)
	id := strings.TrimPrefix(resp.Header.Get("Location"), "/v1/uploads/")
	require.Eventually(t, func() bool { return d.started(id) }, within, 20*time.Millisecond)
	ready := func() int {
		resp, err := http.Get("http://" + bridge.AdminAddr() + "/readyz")
		require.NoError(t, err)
		defer resp.Body.Close()
		return resp.StatusCode
	}
	require.Eventually(t, func() bool { return ready() == http.StatusOK }, within, 50*time.Millisecond)
	require.True(t, bridge.shows(`orak_kafka_cluster_reachable{cluster="primary"} 0`))
	noted := log.String()
	require.Equal(t, 2, strings.Count(noted, "kafka cluster cannot be reached"), "one notice of each process: %s", noted)
	s := d.status()
	require.False(t, s.Places[0].Reachable)
	require.False(t, s.Places[0].Drained, "what nobody can see is not drained")
	require.NotEmpty(t, s.Places[0].Error)
}

func TestSwitchIsRefusedWithTheNextStep(t *testing.T) {
	t.Parallel()
	d := newDivided(t)
	to := func(p kafka.Place) clusters.Request {
		return clusters.Request{To: p, By: "ada", Reason: "test", At: time.Now()}
	}
	d.standby.Close()
	require.ErrorIs(t, d.clusters(func(c *clusters.Clusters) error { _, err := c.Switch(t.Context(), to(kafka.Standby)); return err }), clusters.ErrUnusable)
	require.Equal(t, kafka.Primary, d.status().Active)
	forced := to(kafka.Standby)
	forced.Force = true
	require.NoError(t, d.clusters(func(c *clusters.Clusters) error { _, err := c.Switch(t.Context(), forced); return err }))
	require.Equal(t, kafka.Standby, d.status().Active)

	// The same cluster by another address, as a typing error makes it.
	one := newCluster(t, "one")
	address := one.ListenAddrs()[0]
	d.cfg.Kafka.UploadsBrokers, d.cfg.Kafka.StandbyBrokers = []string{address}, []string{strings.Replace(address, "127.0.0.1", "localhost", 1)}
	require.ErrorIs(t, d.clusters(func(c *clusters.Clusters) error { return c.Check(t.Context(), to(kafka.Primary)) }), clusters.ErrSameCluster)
	d.cfg.Kafka.StandbyBrokers = nil
	require.ErrorIs(t, d.clusters(func(c *clusters.Clusters) error { return c.Check(t.Context(), to(kafka.Standby)) }), clusters.ErrNoStandby)
}

// The active cluster dies for good with announcements that it has acknowledged and that no
// bridge has read: their markers are gone. The store still has the recordings.
func TestUploadsOfADeadClusterAreFoundInTheStore(t *testing.T) {
	t.Parallel()
	d := newDivided(t, "--api-outbox-min-age=10m") // so that the marker below stays
	api := d.start(Roles{API: true}, "api")
	lost := make([]string, 12)
	for i := range lost {
		resp := api.upload("choir", "")
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusAccepted, resp.StatusCode)
		lost[i] = strings.TrimPrefix(resp.Header.Get("Location"), "/v1/uploads/")
	}
	exists := func(key string) bool {
		_, err := api.store.Stat(t.Context(), key)
		return err == nil
	}
	for _, id := range lost { // acknowledged only there
		require.Eventually(t, func() bool { return !exists(orak.PendingKey("choir", orak.UploadID(id))) }, within, 20*time.Millisecond)
	}
	put := func(key string) {
		_, err := api.store.Put(t.Context(), key, strings.NewReader("{}"), objectstore.PutOptions{Size: 2})
		require.NoError(t, err)
	}
	// The relay takes markers of the second in which it began for older ones.
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	ended, erased, marked := orak.UploadID(lost[0]), orak.UploadID(lost[1]), orak.UploadID(lost[2])
	put(orak.OutcomeKey("choir", ended))
	put(orak.ErasedKey("choir", erased))
	put(orak.PendingErasureKey("choir", marked))
	d.primary.Close()
	// No bridge reads the standby yet: one would have read the primary, too.
	d.switchBy(clusters.Request{To: kafka.Standby, By: "ada", Reason: "test", At: time.Now(), Force: true})
	bridge := d.start(Roles{Bridge: true}, "bridge")
	require.Eventually(t, func() bool {
		return api.producer.Active() == kafka.Standby && bridge.producer.Active() == kafka.Standby
	}, within, 20*time.Millisecond)
	resp := api.upload("choir", "")
	require.NoError(t, resp.Body.Close())
	after := strings.TrimPrefix(resp.Header.Get("Location"), "/v1/uploads/")
	require.Eventually(t, func() bool { return d.started(after) }, within, 20*time.Millisecond)

	cfg := ReplayConfig{Kafka: d.cfg.Kafka, Temporal: d.cfg.Temporal, Store: d.cfg.Store}
	replayed := func(sel replay.StoredSelection) (plan *replay.StoredPlan, result replay.Result) {
		require.NoError(t, Replay(t.Context(), cfg, slog.New(slog.DiscardHandler), func(r *replay.Replayer) (err error) {
			if plan, err = r.PlanStored(t.Context(), sel, nil); err != nil {
				return err
			}
			result, err = r.RunStored(t.Context(), plan, replay.Options{})
			return err
		}))
		return plan, result
	}
	plan, _ := replayed(replay.StoredSelection{Since: time.Now().Add(-time.Hour), Tenant: "alto"})
	require.Zero(t, plan.Recordings)
	plan, _ = replayed(replay.StoredSelection{Since: time.Now().Add(time.Hour)})
	require.Zero(t, plan.Recordings, "all are older")
	plan, result := replayed(replay.StoredSelection{Since: time.Now().Add(-time.Hour), Tenant: "choir"})
	require.Equal(t, len(lost)+1, plan.Recordings)
	require.Equal(t, len(lost)-3, plan.Start)
	require.Equal(t, 1, plan.Announcing)
	require.Equal(t, map[replay.State]int{replay.Missing: len(lost) - 2, replay.Completed: 1, replay.Erased: 1, replay.Running: 1}, plan.States)
	require.Equal(t, len(lost)-3, result.Total())
	for _, id := range lost[3:] {
		require.True(t, d.started(id))
	}
	for _, id := range []orak.UploadID{ended, erased} {
		require.False(t, d.started(string(id)))
	}
	plan, _ = replayed(replay.StoredSelection{Since: time.Now().Add(-time.Hour)})
	require.Zero(t, plan.Start, "what was started is not missing")
}

// What waits on a cluster that answers has a file name and tags, which the recording has not.
func TestUploadsThatWaitForABridgeAreNotStartedFromTheStore(t *testing.T) {
	t.Parallel()
	d := newDivided(t)
	api := d.start(Roles{API: true}, "api")
	upload := func(n int) {
		ids := make([]orak.UploadID, n)
		for i := range ids {
			resp := api.upload("choir", "")
			require.NoError(t, resp.Body.Close())
			require.Equal(t, http.StatusAccepted, resp.StatusCode)
			ids[i] = orak.UploadID(strings.TrimPrefix(resp.Header.Get("Location"), "/v1/uploads/"))
		}
		for _, id := range ids {
			require.Eventually(t, func() bool {
				_, err := api.store.Stat(t.Context(), orak.PendingKey("choir", id))
				return err != nil
			}, within, 20*time.Millisecond, "it is announced")
		}
	}
	cfg := ReplayConfig{Kafka: d.cfg.Kafka, Temporal: d.cfg.Temporal, Store: d.cfg.Store}
	planned := func() (plan *replay.StoredPlan, err error) {
		err = Replay(t.Context(), cfg, slog.New(slog.DiscardHandler), func(r *replay.Replayer) (err error) {
			plan, err = r.PlanStored(t.Context(), replay.StoredSelection{Since: time.Now().Add(-time.Hour)}, nil)
			return err
		})
		return plan, err
	}
	upload(3)
	plan, err := planned()
	require.NoError(t, err)
	require.Equal(t, 3, plan.Waiting)
	require.Zero(t, plan.Start)
	require.Empty(t, plan.Unasked)

	d.primary.Close()
	_, err = planned()
	require.ErrorContains(t, err, "The active cluster, primary,", "a switch comes first")
	d.switchBy(clusters.Request{To: kafka.Standby, By: "ada", Reason: "test", At: time.Now(), Force: true})
	require.Eventually(t, func() bool { return api.producer.Active() == kafka.Standby }, within, 20*time.Millisecond)
	upload(2)
	plan, err = planned()
	require.NoError(t, err)
	require.Equal(t, 2, plan.Waiting)
	require.Equal(t, 3, plan.Start)
	require.Equal(t, []kafka.Place{kafka.Primary}, plan.Unasked)
}

func TestGroupsAreLookedForWhereTheyRead(t *testing.T) {
	t.Parallel()
	all := lag.Config{Groups: []string{events.GroupBridge, events.GroupIndex, "orak-lake", "theirs"}}
	fronting := LagConfig{Lag: all, Kafka: kafka.Config{Brokers: []string{"a:1"}, UploadsBrokers: []string{"b:1"}, StandbyBrokers: []string{"c:1"}}}
	shared := LagConfig{Lag: all, Kafka: kafka.Config{Brokers: []string{"a:1"}, UploadsBrokers: []string{"b:1"}, StandbyBrokers: []string{"a:1"}}}
	one := LagConfig{Lag: all, Kafka: kafka.Config{Brokers: []string{"a:1"}}}
	for _, test := range []struct {
		cfg     LagConfig
		cluster string
		broker  string
		groups  []string
	}{
		{one, "", "a:1", all.Groups},
		{one, "main", "a:1", all.Groups},
		{one, "primary", "a:1", all.Groups},
		{shared, "", "a:1", all.Groups},
		{shared, "standby", "a:1", all.Groups},
		{shared, "primary", "b:1", []string{events.GroupBridge, events.GroupIndex}},
		{fronting, "", "a:1", []string{events.GroupIndex, "orak-lake", "theirs"}},
		{fronting, "standby", "c:1", []string{events.GroupBridge, events.GroupIndex}},
	} {
		got, err := test.cfg.On(test.cluster)
		require.NoError(t, err)
		require.Equal(t, test.groups, got.Lag.Groups, "%+v", test)
		require.Equal(t, []string{test.broker}, got.Kafka.Brokers)
	}
	_, err := one.On("standby")
	require.ErrorContains(t, err, "only primary")
}

// Nobody would notice uploads that wait where no process looks: the lag is measured by
// bridges, too.
func TestSwitchToAPlaceThatNoBridgeReadsIsRefused(t *testing.T) {
	t.Parallel()
	d := newDivided(t)
	to := clusters.Request{To: kafka.Standby, By: "ada", Reason: "test", At: time.Now()}
	check := func() error {
		return d.clusters(func(c *clusters.Clusters) error { return c.Check(t.Context(), to) })
	}
	require.False(t, d.status().Places[1].Drained, "without the topic, nobody knows what was there")
	require.NoError(t, check(), "it makes the topic")
	require.ErrorIs(t, check(), clusters.ErrUnread)
	d.start(Roles{Bridge: true}, "bridge")
	require.Eventually(t, func() bool { return check() == nil }, within, 50*time.Millisecond)
}

// A place that answers, and whose readers are not known, may have none.
func TestSwitchToAPlaceThatCannotBeCheckedIsRefused(t *testing.T) {
	t.Parallel()
	d := newDivided(t)
	d.start(Roles{Bridge: true}, "bridge")
	to := clusters.Request{To: kafka.Standby, By: "ada", Reason: "test", At: time.Now()}
	check := func() error {
		return d.clusters(func(c *clusters.Clusters) error { return c.Check(t.Context(), to) })
	}
	require.Eventually(t, func() bool { return check() == nil }, within, 50*time.Millisecond)
	d.standby.ControlKey(int16(kmsg.OffsetFetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		d.standby.KeepControl()
		resp := req.ResponseKind().(*kmsg.OffsetFetchResponse)
		resp.ErrorCode = kerr.GroupAuthorizationFailed.Code
		for _, g := range req.(*kmsg.OffsetFetchRequest).Groups {
			resp.Groups = append(resp.Groups, kmsg.OffsetFetchResponseGroup{Group: g.Group, ErrorCode: kerr.GroupAuthorizationFailed.Code})
		}
		return resp, nil, true
	})
	err := check()
	require.ErrorIs(t, err, clusters.ErrUnusable)
	require.ErrorContains(t, err, "GROUP_AUTHORIZATION_FAILED")
	s := d.status()
	require.True(t, s.Places[1].Reachable)
	require.Contains(t, s.Places[1].Error, "GROUP_AUTHORIZATION_FAILED")
	require.False(t, s.Places[1].Drained, "what nobody can see is not drained")
	to.Force = true
	require.NoError(t, check())
}

// A new cluster at the addresses of a dead one has no topic, and may give the ids of
// producers that the dead one gave to another producer.
func TestEmptyClusterAtTheSameAddressIsUsedWithoutARestart(t *testing.T) {
	t.Parallel()
	d := newDivided(t)
	api, bridge := d.start(Roles{API: true}, "api"), d.start(Roles{Bridge: true, Index: true}, "bridge")
	uploaded := func() string {
		resp := api.upload("choir", "")
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusAccepted, resp.StatusCode)
		return strings.TrimPrefix(resp.Header.Get("Location"), "/v1/uploads/")
	}
	indexed := func(id string) bool {
		_, err := bridge.index.Get(t.Context(), "choir", orak.UploadID(id))
		return err == nil
	}
	for range 5 {
		id := uploaded()
		require.Eventually(t, func() bool { return d.started(id) && indexed(id) }, within, 20*time.Millisecond)
	}
	before := api.clusters[1].client()

	address := d.primary.ListenAddrs()[0]
	d.primary.Close()
	_, number, err := net.SplitHostPort(address)
	require.NoError(t, err)
	port, err := strconv.Atoi(number)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		d.primary, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("primary-2"), kfake.Ports(port))
		return err == nil
	}, within, 50*time.Millisecond, "another program took the port")
	t.Cleanup(d.primary.Close)
	for range 5 {
		id := uploaded()
		require.Eventually(t, func() bool { return d.started(id) && indexed(id) }, within, 20*time.Millisecond)
	}
	require.NotSame(t, before, api.clusters[1].client(), "it has the ids of the dead cluster")
	require.True(t, api.shows(`orak_kafka_cluster_reachable{cluster="primary"} 1`))
	require.Eventually(t, func() bool { return d.status().Places[0].Drained }, within, 50*time.Millisecond)
}

// A cluster that was the only one, and then lost the topic of uploads to two others.
func TestAnnouncementsOnAMainClusterThatIsNoPlaceAnyMoreAreShown(t *testing.T) {
	t.Parallel()
	d := newDivided(t)
	d.cfg.Kafka.Brokers = newCluster(t, "only").ListenAddrs()
	three := d.cfg.Kafka
	d.cfg.Kafka.UploadsBrokers, d.cfg.Kafka.StandbyBrokers = nil, nil
	require.Nil(t, d.status().Former)
	api := d.start(Roles{API: true}, "api")
	resp := api.upload("choir", "")
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusAccepted, resp.StatusCode)
	id := strings.TrimPrefix(resp.Header.Get("Location"), "/v1/uploads/")
	require.Eventually(t, func() bool { s := d.status(); return s.Places[0].Lag != nil && *s.Places[0].Lag > 0 }, within, 20*time.Millisecond)

	d.cfg.Kafka = three
	former := d.status().Former
	require.NotNil(t, former)
	require.Positive(t, *former.Lag) // more than 1 if the first was not acknowledged in time
	var log syncBuffer
	cfg := d.cfg
	cfg.InstanceID = "bridge"
	bridge, err := Start(t.Context(), cfg, Roles{Bridge: true}, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError})))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "left on the main cluster") }, within, 20*time.Millisecond)
	require.Contains(t, log.String(), "kafka-standby-brokers")
	joined := func() bool {
		return !slices.ContainsFunc(d.status().Places, func(p clusters.Place) bool { return p.Members == nil || *p.Members == 0 })
	}
	require.Eventually(t, joined, within, 20*time.Millisecond)
	require.NoError(t, bridge.Stop(t.Context()))
	require.False(t, d.started(id))

	d.cfg.Kafka.StandbyBrokers = three.Brokers // as documented
	require.Nil(t, d.status().Former, "it is a place")
	d.start(Roles{Bridge: true}, "bridge")
	require.Eventually(t, func() bool { return d.started(id) && d.status().Places[1].Drained }, within, 20*time.Millisecond)
	require.Eventually(t, joined, within, 20*time.Millisecond)
	d.cfg.Kafka = three
	require.Nil(t, d.status().Former)
}

// posts keeps what is posted.
type posts []string

// Post implements activities.Notifier.
func (p *posts) Post(_ context.Context, text string) error {
	*p = append(*p, text)
	return nil
}

func TestStallNamesTheClusterIfThereAreSeveral(t *testing.T) {
	t.Parallel()
	var posted posts
	alerter := bridgeAlerter{notifier: &posted, consumer: "bridge", cluster: kafka.Primary}
	require.NoError(t, alerter.Stalled(t.Context(), consume.Stall{}))
	require.NotContains(t, posted[0], "primary")
	alerter.divided = true
	require.NoError(t, alerter.Stalled(t.Context(), consume.Stall{}))
	require.Contains(t, posted[1], "on the cluster `primary`")
}

// syncBuffer is a log that can be read while it is written.
type syncBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
