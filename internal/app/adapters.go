package app

import (
	"context"
	"fmt"
	"io"
	"iter"

	"orak"
	"orak/activities"
	"orak/activities/messages"
	"orak/bridge"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/kafka/consume"
	"orak/internal/objectstore"
	"orak/internal/temporal"
	"orak/workflows"
)

// payloads decodes with the data converter of every Temporal client.
func payloads() workflows.Payloads { return workflows.NewPayloads(temporal.DataConverter()) }

// activityStore is the store in the words of activities.
type activityStore struct{ *objectstore.Store }

var _ activities.Store = activityStore{}

// Open is activities.Store's.
func (s activityStore) Open(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	body, info, err := s.Get(ctx, key)
	return body, info.Size, err
}

// Put is activities.Store's.
func (s activityStore) Put(ctx context.Context, key string, body io.Reader, size int64, mediaType string) error {
	_, err := s.Store.Put(ctx, key, body, objectstore.PutOptions{Size: size, ContentType: mediaType})
	return err
}

// PutNew is activities.Store's.
func (s activityStore) PutNew(ctx context.Context, key string, body io.Reader, size int64, mediaType string) error {
	_, err := s.Store.Put(ctx, key, body, objectstore.PutOptions{Size: size, ContentType: mediaType, IfAbsent: true})
	return err
}

// Keys is activities.Store's.
func (s activityStore) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for info, err := range s.List(ctx, prefix) {
			if !yield(info.Key, err) {
				return
			}
		}
	}
}

var _ activities.Publisher = (*kafka.Producer)(nil)

// bridgeAlerter raises an alert for each dead letter that the bridge wrote, and
// for each stall.
type bridgeAlerter struct {
	activities.Alerter
	notifier activities.Notifier
}

var _ bridge.Alerter = bridgeAlerter{}

// DeadLettered is bridge.Alerter's. The id follows from the record, so that
// a repeat is no second alert.
func (a bridgeAlerter) DeadLettered(ctx context.Context, d events.DeadLetter) error {
	alert := messages.Alert{
		ID:      fmt.Sprintf("%s/%d/%d", d.Origin.Topic, d.Origin.Partition, d.Origin.Offset),
		Stage:   d.Failure.Stage,
		Class:   d.Failure.Class,
		Message: fmt.Sprintf("%s (record %d of partition %d of %s)", d.Failure.Message, d.Origin.Offset, d.Origin.Partition, d.Origin.Topic),
		At:      d.FailedAt,
	}
	// The key of a record that cannot be decoded need not be an upload's id.
	if id, err := orak.ParseUploadID(string(d.Origin.Key)); err == nil {
		alert.UploadID = id
	}
	return a.Raise(ctx, alert)
}

// Stalled is bridge.Alerter's. It is posted at once and not by way of Temporal,
// which may be what the bridge waits for.
func (a bridgeAlerter) Stalled(ctx context.Context, s consume.Stall) error {
	return a.notifier.Post(ctx, messages.StallText(s))
}
