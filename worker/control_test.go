package worker_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
	"orak/internal/kafka"
)

// cable is the connection of a client to the brokers, which a test can cut.
type cable struct {
	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

func (c *cable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("cable is cut")}
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		c.conns = append(c.conns, conn)
	}
	return conn, err
}

func (c *cable) set(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = cut
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// stubborn waits for Kafka until the attempt ends, even if its producer fails at
// once, so that uploads keep their slots.
type stubborn struct{ *kafka.Producer }

func (s stubborn) PublishEvent(ctx context.Context, topic string, e events.Event) error {
	for {
		err := s.Producer.PublishEvent(ctx, topic, e)
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(tick)
	}
}

func TestKafkaOutageDelaysNeitherMessagesNorErasures(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	way := new(cable)
	cl, err := kafka.NewClient(kafka.Config{Brokers: []string{r.servers.Kafka}, ClientID: "cut"}, r.log, kgo.Dialer(way.dial))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	producer := kafka.NewProducer(cl)
	r.deps.Publisher = stubborn{producer}
	r.cfg.PipelineSlots, r.cfg.ControlSlots = 4, 2
	r.outages(nil)
	r.deps.Probes[orak.DependencyKafka] = producer.Ping
	r.quick()
	r.cfg.Settings.ErasePatience = time.Second // an end would wait for its last event
	way.set(true)
	r.start()
	var uploads []orak.Upload
	for range 20 {
		uploads = append(uploads, r.upload([]byte("s")))
	}
	require.Contains(t, r.posted(":rotating_light:"), "Kafka has been unavailable")
	first := r.erase(uploads[0])
	require.Eventually(t, func() bool { return !r.stored(uploads[0]) }, patience, tick, "its objects are removed while the event waits")

	way.set(false)
	r.erased(first)
	for _, u := range uploads[1:] {
		require.NoError(t, r.closed(u))
		require.Equal(t, orak.StatusCompleted, r.progress(u).Status)
	}
	require.Contains(t, r.posted(":white_check_mark:"), "Kafka is available again")
}

// stored reports whether u has any object except its tombstone.
func (r *rig) stored(u orak.Upload) bool {
	for _, key := range r.keys() {
		if strings.Contains(key, string(u.ID)) && key != orak.ErasedKey(u.Tenant, u.ID) {
			return true
		}
	}
	return false
}
