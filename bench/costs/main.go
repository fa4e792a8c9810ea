// Command costs measures what one upload costs each server, apart from processor time:
// requests to and bytes in the store, bytes on each topic, events and bytes of its
// history. docs/scale.md is computed from it.
//
// It prints figures and asserts nothing. See docs/benchmarks.md.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"golang.org/x/sync/errgroup"

	"orak"
	"orak/api/resource"
	apiclient "orak/client"
	"orak/events"
	"orak/internal/app"
	"orak/internal/config"
	"orak/internal/media/mediatest"
	"orak/internal/objectstore"
	"orak/test/stack"
	"orak/workflows"
)

const (
	bucket     = "orak"
	sampleRate = 16_000
	namespace  = "bench-costs"
)

// costs is what the uploads cost together.
type costs struct {
	Uploads int `json:"uploads"`
	Seconds int `json:"seconds"`
	// Requests are those to the store, by method; Sent and Received are bodies.
	Requests map[string]int64 `json:"requests"`
	Sent     int64            `json:"sent"`
	Received int64            `json:"received"`
	// Objects are the bytes in the store, by the name of the object.
	Objects map[string]int64 `json:"objects"`
	// Topics are bytes of keys, values and headers, Records their number.
	Topics  map[string]int64 `json:"topics"`
	Records map[string]int64 `json:"records"`
	Events  int64            `json:"history_events"`
	History int64            `json:"history_bytes"`
}

func main() {
	binary := flag.String("binary", "bin/orak-standalone", "the built stack, whose servers are run on free ports and a fresh folder")
	n := flag.Int("uploads", 50, "how many recordings are uploaded")
	seconds := flag.Int("seconds", 60, "length of each, in seconds of audio")
	flag.Parse()
	if err := run(*binary, *n, *seconds); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(binary string, n, seconds int) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	p, err := stack.Launch("servers", stack.Options{Binary: binary})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	store, err := countRequests(p.S3)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	orakApp, err := start(ctx, p.Servers, store.address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, orakApp.Stop(context.WithoutCancel(ctx))) }()
	before := store.counted()
	ids, err := upload(ctx, "http://"+orakApp.APIAddr(), n, seconds)
	if err != nil {
		return err
	}
	c := store.counted().minus(before)
	c.Uploads, c.Seconds = n, seconds
	if err := c.objects(ctx, p.Servers, ids); err != nil {
		return err
	}
	if err := c.topics(ctx, p.Kafka); err != nil {
		return err
	}
	if err := c.histories(ctx, p.Temporal, ids); err != nil {
		return err
	}
	c.print()
	return nil
}

// start runs the roles that every upload passes through, against a store that counts.
func start(ctx context.Context, s stack.Servers, store string) (*app.App, error) {
	var settings struct {
		App app.Config `embed:""`
	}
	_, err := config.Load(nil, &settings, config.Options{Name: "orak", Stdout: io.Discard, Warn: func(string) {}, Environ: []string{
		"ORAK_KAFKA_BROKERS=" + s.Kafka, "ORAK_KAFKA_REPLICATION_FACTOR=1", "ORAK_TEMPORAL_ADDRESS=" + s.Temporal, "ORAK_TEMPORAL_NAMESPACE=" + namespace,
		"ORAK_S3_ENDPOINT=" + store, "ORAK_S3_BUCKET=" + bucket, "ORAK_S3_ACCESS_KEY=" + s.S3AccessKey, "ORAK_S3_SECRET_KEY=" + s.S3SecretKey,
		"ORAK_API_ADDR=127.0.0.1:0", "ORAK_ADMIN_LISTEN=127.0.0.1:0", "ORAK_AUTH=none", "ORAK_REUSE_ANALYSES=false",
	}})
	if err != nil {
		return nil, err
	}
	errorsOnly := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	return app.Start(ctx, settings.App, app.Roles{API: true, Bridge: true, Worker: true}, errorsOnly)
}

// upload uploads n recordings, no two the same, and returns once all are completed.
func upload(ctx context.Context, server string, n, seconds int) ([]orak.UploadID, error) {
	c, err := apiclient.New(apiclient.Config{Server: server})
	if err != nil {
		return nil, err
	}
	ids := make([]orak.UploadID, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for i := range ids {
		group.Go(func() error {
			samples := slices.Repeat(mediatest.Tune(sampleRate), seconds+1)[:sampleRate*seconds]
			samples[0] = int16(i)
			resp, err := http.Post(server+"/v1/uploads", "audio/wav", bytes.NewReader(mediatest.WAV(sampleRate, 1, samples)))
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			var accepted resource.Accepted
			if err := json.NewDecoder(resp.Body).Decode(&accepted); err != nil {
				return err
			}
			ids[i] = accepted.ID
			last, err := c.Watch(ctx, accepted.ID, apiclient.Watching{})
			if err == nil && last.Status != orak.StatusCompleted {
				err = fmt.Errorf("upload %s is %s", accepted.ID, last.Status)
			}
			return err
		})
	}
	return ids, group.Wait()
}

// objects adds what is stored of the uploads.
func (c *costs) objects(ctx context.Context, s stack.Servers, ids []orak.UploadID) error {
	store, err := objectstore.New(objectstore.Config{Endpoint: s.S3, Bucket: bucket, AccessKey: s.S3AccessKey, SecretKey: s.S3SecretKey})
	if err != nil {
		return err
	}
	defer store.Close()
	for object, err := range store.List(ctx, "") {
		if err != nil {
			return err
		}
		ours := slices.ContainsFunc(ids, func(id orak.UploadID) bool { return strings.Contains(object.Key, string(id)) })
		if ours {
			c.Objects[path.Base(object.Key)] += object.Size
		}
	}
	return nil
}

// topics adds what is on the topics.
func (c *costs) topics(ctx context.Context, broker string) error {
	for _, topic := range []string{events.TopicUploads, events.TopicLifecycle} {
		if err := c.topic(ctx, broker, topic); err != nil {
			return err
		}
	}
	return nil
}

func (c *costs) topic(ctx context.Context, broker, topic string) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	var left int64
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset })
	for left > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			left--
			c.Records[topic]++
			c.Topics[topic] += int64(len(r.Key) + len(r.Value))
			for _, h := range r.Headers {
				c.Topics[topic] += int64(len(h.Key) + len(h.Value))
			}
		})
	}
	return nil
}

// histories adds the histories of the uploads.
func (c *costs) histories(ctx context.Context, address string, ids []orak.UploadID) error {
	t, err := client.DialContext(ctx, client.Options{HostPort: address, Namespace: namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return err
	}
	defer t.Close()
	for _, id := range ids {
		d, err := t.DescribeWorkflowExecution(ctx, workflows.UploadWorkflowID(id), "")
		if err != nil {
			return err
		}
		c.Events += d.GetWorkflowExecutionInfo().GetHistoryLength()
		c.History += d.GetWorkflowExecutionInfo().GetHistorySizeBytes()
	}
	return nil
}

func (c *costs) print() {
	n := float64(c.Uploads)
	fmt.Printf("%d uploads of %d s each; of one upload:\n\n", c.Uploads, c.Seconds)
	row := func(name string, total int64) { fmt.Printf("%-40s %12.1f\n", name, float64(total)/n) }
	for _, method := range slices.Sorted(maps.Keys(c.Requests)) {
		row("requests to the store, "+method, c.Requests[method])
	}
	row("bytes sent to the store", c.Sent)
	row("bytes received from the store", c.Received)
	for _, name := range slices.Sorted(maps.Keys(c.Objects)) {
		row("bytes stored, "+name, c.Objects[name])
	}
	for _, topic := range slices.Sorted(maps.Keys(c.Topics)) {
		row("records on "+topic, c.Records[topic])
		row("bytes on "+topic, c.Topics[topic])
	}
	row("events of the history", c.Events)
	row("bytes of the history", c.History)
}
