package app

import (
	"context"
	"fmt"
	"io"
	"iter"

	"orak"
	"orak/activities"
	"orak/activities/messages"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/kafka/consume"
	"orak/internal/kafka/deadletter"
	"orak/internal/objectstore"
	"orak/internal/temporal"
	"orak/workflows"
)

// payloads decodes with the data converter of the Temporal clients.
func payloads(cfg temporal.Config) workflows.Payloads {
	return workflows.NewPayloads(cfg.DataConverter())
}

// activityStore adapts the store to activities.
type activityStore struct{ *objectstore.Store }

var _ activities.Store = activityStore{}

// Open implements activities.Store.
func (s activityStore) Open(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	body, info, err := s.Get(ctx, key)
	return body, info.Size, err
}

// Put implements activities.Store.
func (s activityStore) Put(ctx context.Context, key string, body io.Reader, size int64, mediaType string) error {
	_, err := s.Store.Put(ctx, key, body, objectstore.PutOptions{Size: size, ContentType: mediaType})
	return err
}

// PutNew implements activities.Store.
func (s activityStore) PutNew(ctx context.Context, key string, body io.Reader, size int64, mediaType string) error {
	_, err := s.Store.Put(ctx, key, body, objectstore.PutOptions{Size: size, ContentType: mediaType, IfAbsent: true})
	return err
}

// Keys implements activities.Store.
func (s activityStore) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for info, err := range s.List(ctx, prefix) {
			if !yield(info.Key, err) {
				return
			}
		}
	}
}

var _ activities.Publisher = (*kafka.Router)(nil)

// bridgeAlerter raises alerts for the dead letters and the stalls of the bridge, and of
// other consumers of events.
type bridgeAlerter struct {
	activities.Alerter
	notifier activities.Notifier
	// consumer names what has stalled.
	consumer string
	// cluster has the records; empty is the one that has no standby.
	cluster kafka.Place
	// divided says that there is more than one cluster.
	divided bool
	console messages.Console
}

var _ deadletter.Alerter = bridgeAlerter{}

// DeadLettered implements deadletter.Alerter. The id of the alert follows from the record,
// so that a repeat is not a second alert.
func (a bridgeAlerter) DeadLettered(ctx context.Context, d events.DeadLetter) error {
	alert := messages.Alert{
		ID:      a.place() + fmt.Sprintf("%s/%d/%d", d.Origin.Topic, d.Origin.Partition, d.Origin.Offset),
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

// place begins the ids of alerts for records of the standby: positions are those of one
// cluster.
func (a bridgeAlerter) place() string {
	if a.cluster == kafka.Standby {
		return string(kafka.Standby) + "/"
	}
	return ""
}

// Stalled implements deadletter.Alerter. It posts directly instead of through Temporal,
// for which the bridge may be waiting.
func (a bridgeAlerter) Stalled(ctx context.Context, s consume.Stall) error {
	cluster := ""
	if a.divided {
		cluster = string(a.cluster)
	}
	return a.notifier.Post(ctx, a.console.StallText(a.consumer, cluster, s))
}
