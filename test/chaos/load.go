package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync"
	"time"

	"orak/api/resource"
	"orak/test/accounts"
)

// sending is one upload of an app.
type sending struct {
	recording
	accounts.Upload
	// at counts from the beginning of the load.
	at time.Duration
	// slow is how long the body takes, as over a phone's connection; 0 for full
	// speed. So one is always in flight when a process ends.
	slow time.Duration

	// attempts, ID and Problem are results: they do not change once all uploads
	// are sent.
	attempts int
}

const (
	// unkeyedShare of the apps send no Idempotency-Key.
	unkeyedShare = 0.15
	// slowShare of the apps have a slow connection, over which a body takes up to
	// maxSlow.
	slowShare = 0.4
	maxSlow   = 5 * time.Second
	// eraseShare of the keyed uploads that complete are erased.
	eraseShare = 0.15
)

// uploads plans n of them within d. Every kind is among them, if n allows;
// the rest are drawn by their weights.
func uploads(seed uint64, kinds []recording, n int, d time.Duration) []*sending {
	rng := dice(seed, streamUploads)
	var bag []recording
	for _, k := range kinds {
		for range k.weight {
			bag = append(bag, k)
		}
	}
	planned := make([]*sending, n)
	for i, order := range rng.Perm(n) {
		s := &sending{recording: bag[rng.IntN(len(bag))], at: rand64(rng, d)}
		s.Keyed = rng.Float64() >= unkeyedShare
		if rng.Float64() < slowShare {
			s.slow = rand64(rng, maxSlow)
		}
		if order < len(kinds) {
			s.recording = kinds[order]
		}
		s.Want = s.want
		if s.Want.Class != "" {
			s.Operate = []string{"", accounts.Discard, accounts.Reprocess}[rng.IntN(3)]
		}
		if s.Want.Attempts > 0 && s.Operate == accounts.Reprocess {
			s.Operate = "" // to use up the whole budget takes long enough once
		}
		if rng.Float64() < eraseShare && s.Keyed && s.Want.Completes() && s.Want.Class == "" {
			s.Operate = accounts.Erase
		}
		s.Name = fmt.Sprintf("%04d-%s", i, s.kind)
		planned[i] = s
	}
	return planned
}

// app sends uploads as an app would: until it has its answer.
type app struct{ *accounts.App }

// load sends all uploads, each at its time and at most maxSending at once, and
// returns when each has its answer or ctx ends. It calls sent for each.
func (a app) load(ctx context.Context, began time.Time, all []*sending, sent func(*sending)) {
	const maxSending = 16
	slots := make(chan struct{}, maxSending)
	var apps sync.WaitGroup
	for _, s := range all {
		apps.Go(func() {
			if !accounts.Pause(ctx, time.Until(began.Add(s.at))) {
				return
			}
			slots <- struct{}{}
			a.send(ctx, s)
			<-slots
			sent(s)
		})
	}
	apps.Wait()
}

// send repeats s until it has a final answer.
func (a app) send(ctx context.Context, s *sending) {
	for ctx.Err() == nil {
		s.attempts++
		status, answer, err := a.post(ctx, s)
		switch {
		case err != nil, status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
			// It is as likely there as not; the app tries again.
		case status == s.Want.Refused:
			return
		case status != http.StatusAccepted:
			s.Problem = fmt.Sprintf("answered %d: %s", status, answer)
			return
		default:
			s.accepted(answer)
			a.find(ctx, s)
			return
		}
		accounts.Pause(ctx, 300*time.Millisecond)
	}
	s.Problem = "never answered"
}

func (s *sending) accepted(answer []byte) {
	var got resource.Accepted
	if err := json.Unmarshal(answer, &got); err != nil {
		s.Problem = fmt.Sprintf("answered 202 with %q", answer)
		return
	}
	s.ID = got.ID
	switch {
	case s.Want.Refused != 0:
		s.Problem = "taken, and should have been refused"
	case got.Size != int64(len(s.body)):
		s.Problem = fmt.Sprintf("stored with %d of %d bytes", got.Size, len(s.body))
	}
}

// find reads an upload that was just accepted: it must be known from then on,
// whatever is down.
func (a app) find(ctx context.Context, s *sending) {
	for ctx.Err() == nil && s.Problem == "" {
		status, _, err := a.Get(ctx, "/v1/uploads/"+string(s.ID))
		if err == nil && status == http.StatusOK {
			return
		}
		if err == nil && status == http.StatusNotFound {
			s.Problem = "not found after it was taken"
		}
		accounts.Pause(ctx, 300*time.Millisecond)
	}
}

func (a app) post(ctx context.Context, s *sending) (int, []byte, error) {
	req, err := a.Request(ctx, http.MethodPost, "/v1/uploads", s.reader())
	if err != nil {
		return 0, nil, err
	}
	req.ContentLength = int64(len(s.body))
	req.Header.Set("Content-Type", s.contentType)
	req.Header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": s.Name}))
	if s.Keyed {
		req.Header.Set(resource.HeaderIdempotencyKey, "chaos-"+s.Name)
	}
	return a.Do(req)
}

// pieces is the number of parts in which a slow body is sent.
const pieces = 20

// reader returns the body at the speed of the app's connection.
func (s *sending) reader() io.Reader {
	body := bytes.NewReader(s.body)
	if len(s.body) == 0 {
		return http.NoBody
	}
	if s.slow == 0 {
		return body
	}
	return &trickle{r: body, piece: len(s.body)/pieces + 1, rest: s.slow / pieces}
}

// trickle rests before each piece.
type trickle struct {
	r     io.Reader
	piece int
	rest  time.Duration
	left  int // of the present piece
}

// Read implements io.Reader.
func (t *trickle) Read(p []byte) (int, error) {
	if t.left == 0 {
		time.Sleep(t.rest)
		t.left = t.piece
	}
	n, err := t.r.Read(p[:min(len(p), t.left)])
	t.left -= n
	return n, err
}

// accountable are the uploads as their account needs them.
func accountable(all []*sending) []*accounts.Upload {
	uploads := make([]*accounts.Upload, len(all))
	for i, s := range all {
		uploads[i] = &s.Upload
	}
	return uploads
}
