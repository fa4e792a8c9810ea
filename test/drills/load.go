package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"sync"
	"time"

	"orak/api/resource"
	"orak/internal/media/mediatest"
	"orak/test/accounts"
)

// sending is one upload of an app.
type sending struct {
	accounts.Upload
	number int
	// body is what is sent; empty for the recording of the number.
	body []byte
	// sent is when it was first sent, and taken when it was answered 202; zero if it
	// was not.
	sent, taken time.Time
	// answers are all that it was answered, in order.
	answers []answer
}

// answer is one answer of the API: the status, 0 where the connection failed, and how
// long it took.
type answer struct {
	at     time.Time
	took   time.Duration
	status int
}

// load sends uploads at a steady rate, whatever becomes of those before, as many apps
// do that know nothing of each other. It is safe for concurrent use.
type load struct {
	app    *accounts.App
	every  time.Duration
	began  time.Time
	stop   chan struct{}
	issued sync.WaitGroup // the loop
	apps   sync.WaitGroup

	mu  sync.Mutex
	all []*sending
}

// startLoad begins to send rate uploads a second.
func startLoad(ctx context.Context, app *accounts.App, rate float64) *load {
	l := &load{app: app, every: time.Duration(float64(time.Second) / rate), began: time.Now(), stop: make(chan struct{})}
	l.issued.Go(func() { l.issue(ctx) })
	return l
}

func (l *load) issue(ctx context.Context) {
	tick := time.NewTicker(l.every)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-l.stop:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s := &sending{number: n, Upload: accounts.Upload{
			Name: fmt.Sprintf("%05d.wav", n), Keyed: true, Want: accounts.Outcome{DurationS: seconds},
		}}
		l.mu.Lock()
		l.all = append(l.all, s)
		l.mu.Unlock()
		l.apps.Go(func() { l.send(ctx, s) })
	}
}

// add sends one more upload, and returns once it has its answer.
func (l *load) add(ctx context.Context, s *sending) {
	l.mu.Lock()
	l.all = append(l.all, s)
	l.mu.Unlock()
	l.send(ctx, s)
}

// end sends no more, and returns once each app has its answer or ctx ends.
func (l *load) end() []*sending {
	close(l.stop)
	l.issued.Wait()
	l.apps.Wait()
	return l.all
}

// again is how long an app waits before it repeats a request that failed.
const again = 300 * time.Millisecond

// send repeats s until it has a final answer.
func (l *load) send(ctx context.Context, s *sending) {
	body := s.body
	if body == nil {
		body = recording(s.number)
	}
	for ctx.Err() == nil {
		began := time.Now()
		status, text, err := l.post(ctx, s, body)
		if err != nil {
			status = 0
		}
		l.note(s, answer{at: time.Now(), took: time.Since(began), status: status}, text)
		if status == http.StatusAccepted || status >= 400 && status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests {
			return
		}
		accounts.Pause(ctx, again)
	}
}

func (l *load) post(ctx context.Context, s *sending, body []byte) (int, []byte, error) {
	req, err := l.app.Request(ctx, http.MethodPost, "/v1/uploads", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "audio/wav")
	req.Header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": s.Name}))
	req.Header.Set(resource.HeaderIdempotencyKey, s.Name)
	return l.app.Do(req)
}

// note keeps an answer.
func (l *load) note(s *sending, a answer, text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.sent.IsZero() {
		s.sent = a.at.Add(-a.took)
	}
	s.answers = append(s.answers, a)
	if a.status != http.StatusAccepted {
		s.Problem = fmt.Sprintf("answered %d: %.200s", a.status, text)
		return
	}
	var got resource.Accepted
	if err := json.Unmarshal(text, &got); err != nil {
		s.Problem = fmt.Sprintf("answered 202 with %.200q", text)
		return
	}
	s.Problem, s.ID, s.taken = "", got.ID, a.at
}

// taken returns the uploads that were answered 202 within a time, in no order.
func (l *load) taken(from, to time.Time) []*sending {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.all), func(s *sending) bool {
		return s.taken.Before(from) || s.taken.After(to)
	})
}

// The recordings have this many seconds at this rate.
const (
	seconds    = 1
	sampleRate = 16000
)

// recording is a tune with a number in its last samples, so that no two have the same
// bytes: equal ones are analyzed once.
func recording(number int) []byte {
	wav := mediatest.WAV(sampleRate, 1, mediatest.Tune(sampleRate)[:seconds*sampleRate])
	binary.LittleEndian.PutUint32(wav[len(wav)-4:], uint32(number))
	return wav
}
