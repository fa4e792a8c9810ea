package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
)

// workload is a sequence of events: the number of the upload that each is of.
type workload []int

// uniform announces n uploads once each.
func uniform(n int) workload {
	w := make(workload, n)
	for i := range w {
		w[i] = i
	}
	return w
}

// zipf announces some uploads again and again and most once, as it is where
// callers repeat their requests and relays deliver twice: the key of an event
// is its upload, so what a key has more than once is the same upload. The
// first of a key is a start, the others are refused as duplicates. The same
// numbers come out every time.
func zipf(n int, skew float64) workload {
	random := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), skew, 1, uint64(n-1))
	w := make(workload, n)
	for i := range w {
		w[i] = int(random.Uint64())
	}
	return w
}

func upload(i int) orak.Upload {
	id := orak.UploadID(fmt.Sprintf("0195a2b4-7c3d-7e8f-9a0b-%012x", i))
	const tenant = orak.DefaultTenant
	return orak.Upload{
		ID: id, Tenant: tenant, Key: orak.OriginalKey(tenant, id), ContentType: "audio/wav", Filename: "recording.wav",
		Size: 1_000_000, SHA256: strings.Repeat("0f", 32), ReceivedAt: time.Unix(1_800_000_000, 0).UTC(),
	}
}

// number is what upload made the workflow id from.
func number(workflowID string) (int, error) {
	n, err := strconv.ParseInt(workflowID[max(0, len(workflowID)-12):], 16, 64)
	return int(n), err
}

// record announces upload i.
func record(i int) (*kgo.Record, error) {
	e, err := events.NewReceived(upload(i))
	if err != nil {
		return nil, err
	}
	return e.Record(events.TopicUploads), nil
}

// unordered gives the event a key that no other has, which the bridge takes
// as leave to handle it whenever it likes.
func unordered(r *kgo.Record, at int) { r.Key = []byte("event-" + strconv.Itoa(at)) }
