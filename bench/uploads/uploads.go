// Package uploads makes the uploads of benchmarks: those that are only announced and
// started have a number and no recording, those that are posted have one.
package uploads

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/events"
	"orak/workflows"
)

// New returns upload i, from 0 to 2⁴⁸ - 1. The same i gives the same upload.
func New(i int) orak.Upload {
	id := orak.UploadID(fmt.Sprintf("0195a2b4-7c3d-7e8f-9a0b-%012x", i))
	const tenant = orak.DefaultTenant
	return orak.Upload{
		ID: id, Tenant: tenant, Key: orak.OriginalKey(tenant, id), ContentType: "audio/wav", Filename: "recording.wav",
		Size: 1_000_000, SHA256: strings.Repeat("0f", 32), ReceivedAt: time.Unix(1_800_000_000, 0).UTC(),
	}
}

// Number returns the i of the upload with that workflow id or upload id.
func Number(id string) (int, error) {
	n, err := strconv.ParseInt(id[max(0, len(id)-12):], 16, 64)
	return int(n), err
}

// Record returns the record that announces upload i on orak.uploads.
func Record(i int) (*kgo.Record, error) {
	e, err := events.NewReceived(New(i))
	if err != nil {
		return nil, err
	}
	return e.Record(events.TopicUploads), nil
}

// Announce publishes records of the uploads in their order, on topic. It returns
// once all are acknowledged.
func Announce(ctx context.Context, brokers []string, topic string, numbers []int) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ProducerLinger(5*time.Millisecond))
	if err != nil {
		return err
	}
	defer cl.Close()
	var once sync.Once
	var failed error
	for _, i := range numbers {
		rec, err := Record(i)
		if err != nil {
			return err
		}
		rec.Topic = topic
		cl.Produce(ctx, rec, func(_ *kgo.Record, err error) {
			if err != nil {
				once.Do(func() { failed = err })
			}
		})
	}
	if err := cl.Flush(ctx); err != nil {
		return err
	}
	return failed
}

// Start starts the workflow of upload i as the bridge does after rec. It is no
// error if the workflow exists.
func Start(ctx context.Context, c client.Client, rec *kgo.Record, i int) error {
	in := workflows.ProcessUploadInput{Upload: New(i), Origin: events.OriginOf(rec)}
	err := Patiently(ctx, func() error {
		_, err := c.ExecuteWorkflow(ctx, workflows.StartOptions(in), workflows.TypeProcessUpload, in)
		return err
	})
	if _, exists := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); exists {
		return nil
	}
	return err
}

// StartAll starts the workflows of the uploads without Kafka, so many at once. It
// stops at the first error.
func StartAll(ctx context.Context, c client.Client, numbers []int, concurrency int) error {
	return Concurrently(len(numbers), concurrency, func(at int) error {
		rec := &kgo.Record{Topic: events.TopicUploads, Offset: int64(at)}
		return Start(ctx, c, rec, numbers[at])
	})
}

// Patiently calls start, which must be idempotent, again when the server does not answer
// in time, as on a busy machine.
func Patiently(ctx context.Context, start func() error) error {
	for {
		err := start()
		_, late := errors.AsType[*serviceerror.DeadlineExceeded](err)
		if !late && !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return err
		}
	}
}

// Concurrently calls do with 0 to n - 1, so many at once. After an error no further
// calls begin; it returns the first.
func Concurrently(n, concurrency int, do func(int) error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	failures := make(chan error, concurrency)
	for range concurrency {
		wg.Go(func() {
			for {
				at := int(next.Add(1)) - 1
				if at >= n {
					return
				}
				if err := do(at); err != nil {
					next.Store(int64(n))
					failures <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failures)
	return <-failures
}
