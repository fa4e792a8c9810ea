package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
)

// Notified is an entry of a bucket's notification: what happened to an object.
type Notified struct {
	// Event is the name, such as "ObjectCreated:Put", without the prefix "s3:"
	// that only some servers write.
	Event  string
	Bucket string
	// Key is the key of the object, URL-decoded.
	Key string
}

// MaxNotified bounds the entries of a notification, since a record is handled as
// a whole. S3 and MinIO send one entry each.
const MaxNotified = 100

// testEvent is the event that AWS sends when notifications are switched on.
const testEvent = "s3:TestEvent"

// Recording returns the tenant and id of the recording that the entry announces.
// ok is false where nothing was stored, or not under an upload's key. It does not
// check the bucket.
func (n Notified) Recording() (t orak.Tenant, id orak.UploadID, ok bool) {
	if !strings.HasPrefix(n.Event, "ObjectCreated:") {
		return "", "", false
	}
	parts := strings.Split(n.Key, "/")
	if len(parts) != 4 {
		return "", "", false
	}
	t, tErr := orak.ParseTenant(parts[1])
	id, idErr := orak.ParseUploadID(parts[2])
	if tErr != nil || idErr != nil || n.Key != orak.OriginalKey(t, id) {
		return "", "", false
	}
	return t, id, true
}

// NotificationFrom reads a notification of an S3 bucket, in the format of AWS and
// MinIO. ok is false for any other record: one with the headers of a CloudEvent,
// or without a list named Records. The test event of AWS is a notification without
// entries. An error, with ok true, is an *orak.Fault of class input.
func NotificationFrom(r *kgo.Record) (entries []Notified, ok bool, err error) {
	size := 0
	for _, h := range r.Headers {
		if strings.HasPrefix(h.Key, "ce_") || h.Key == HeaderContentType && isStructured(string(h.Value)) {
			return nil, false, nil
		}
		size += len(h.Key) + len(h.Value)
	}
	var body struct {
		Records json.RawMessage
		Event   string
	}
	if json.Unmarshal(r.Value, &body) != nil || body.Records == nil && body.Event != testEvent {
		return nil, false, nil
	}
	switch {
	case size > MaxHeaders:
		err = fmt.Errorf("headers: at most %d bytes are allowed", MaxHeaders)
	case len(r.Value) > MaxData:
		err = fmt.Errorf("data: %d bytes, at most %d are allowed", len(r.Value), MaxData)
	case body.Records != nil:
		entries, err = notified(body.Records)
	}
	if err != nil {
		return nil, true, malformed(err)
	}
	return entries, true, nil
}

// notified decodes the entries. One that cannot be read makes the whole
// notification malformed, rather than being skipped silently.
func notified(list json.RawMessage) ([]Notified, error) {
	var records []struct {
		EventName string `json:"eventName"`
		S3        struct {
			Bucket struct {
				Name string `json:"name"`
			} `json:"bucket"`
			Object struct {
				Key string `json:"key"`
			} `json:"object"`
		} `json:"s3"`
	}
	if err := json.Unmarshal(list, &records); err != nil || records == nil {
		return nil, errors.New("records: not a list of a bucket's events")
	}
	if len(records) > MaxNotified {
		return nil, fmt.Errorf("records: %d entries, at most %d are allowed", len(records), MaxNotified)
	}
	entries := make([]Notified, len(records))
	for i, record := range records {
		// Servers encode keys as in a query, where a space is a plus.
		key, err := url.QueryUnescape(record.S3.Object.Key)
		n := Notified{Event: strings.TrimPrefix(record.EventName, "s3:"), Bucket: record.S3.Bucket.Name, Key: key}
		switch {
		case err != nil:
			return nil, fmt.Errorf("records[%d]: s3.object.key: not URL-encoded", i)
		case n.Event == "":
			return nil, fmt.Errorf("records[%d]: eventName: missing", i)
		case n.Bucket == "":
			return nil, fmt.Errorf("records[%d]: s3.bucket.name: missing", i)
		case n.Key == "":
			return nil, fmt.Errorf("records[%d]: s3.object.key: missing", i)
		}
		entries[i] = n
	}
	return entries, nil
}
