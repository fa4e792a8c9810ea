package events_test

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
)

// An announcement is made, sent as a Kafka record, and read again.
func Example() {
	const id = orak.UploadID("0192f1c5-7a1e-7c3a-9d5e-0123456789ab")
	announced, err := events.NewReceived(orak.Upload{
		ID: id, Tenant: "acme", Key: orak.OriginalKey("acme", id), Filename: "call.wav", ContentType: "audio/wav",
		Size: 1 << 20, SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		ReceivedAt: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	record := announced.Record(events.TopicUploads)
	fmt.Println(record.Topic, string(record.Key))

	read, err := events.FromRecord(&kgo.Record{Key: record.Key, Value: record.Value, Headers: record.Headers})
	if err != nil {
		fmt.Println(err)
		return
	}
	received, err := read.Received()
	fmt.Println(read.Type, received.Tenant, received.Filename, err)
	// Output:
	// orak.uploads 0192f1c5-7a1e-7c3a-9d5e-0123456789ab
	// orak.upload.received acme call.wav <nil>
}
