package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"orak"
	"orak/events"
	"orak/internal/kafka"
)

// StoredUpload is an upload as a listing of the store shows it.
type StoredUpload struct {
	Tenant orak.Tenant
	ID     orak.UploadID
	// At is when its recording was stored.
	At time.Time
	// Ended says that it has an outcome.
	Ended bool
}

// Stored reads from the store what a topic that is lost would say.
type Stored interface {
	// Uploads lists the uploads that have a recording, of one tenant or, if it is empty, of
	// all.
	Uploads(ctx context.Context, t orak.Tenant) iter.Seq2[StoredUpload, error]
	// Announcing reports whether the outbox has a marker of the upload or of its erasure.
	Announcing(ctx context.Context, t orak.Tenant, id orak.UploadID) (bool, error)
	// Upload describes the upload by its recording. Errors: fs.ErrNotExist,
	// bridge.ErrInOutbox.
	Upload(ctx context.Context, t orak.Tenant, id orak.UploadID) (orak.Upload, error)
}

// StoredSelection selects recordings in the store.
type StoredSelection struct {
	// Since is the age of the oldest recording that counts.
	Since time.Time `json:"since"`
	// Tenant is whose recordings count; empty means those of all.
	Tenant orak.Tenant `json:"tenant,omitempty"`
}

// maxStored bounds the uploads of one StoredPlan, which are kept in memory.
const maxStored = 1_000_000

// StoredPlan is what a replay from the store would do.
type StoredPlan struct {
	Selection StoredSelection `json:"selection"`
	Began     time.Time       `json:"began"`
	// Recordings counts those that are selected.
	Recordings int `json:"recordings"`
	// States counts the uploads by state. Those of Missing would be started, unless they
	// are Waiting, or Announcing: the outbox has a marker of them.
	States     map[State]int `json:"states"`
	Announcing int           `json:"announcing"`
	// Waiting counts those of Missing that a cluster has an announcement of which the
	// bridges have not read yet. They are left to the bridges: an event says more than a
	// recording.
	Waiting int `json:"waiting"`
	// Unasked are the clusters that cannot be read, and so may have more of Missing. The
	// active one is never among them.
	Unasked []kafka.Place `json:"unasked,omitempty"`
	// Start counts the uploads that would be started.
	Start int `json:"start"`
	// More says that there are more than one plan holds: plan again after the run.
	More bool `json:"more,omitempty"`

	missing []StoredUpload
}

// PlanStored finds the recordings that have neither an outcome, a tombstone, a marker, a
// workflow nor an announcement that waits for a bridge. It changes nothing. progress may be
// nil; its total is not known and 0.
func (r *Replayer) PlanStored(ctx context.Context, sel StoredSelection, progress Progress) (*StoredPlan, error) {
	if err := r.reach(ctx); err != nil {
		return nil, err
	}
	p := &StoredPlan{Selection: sel, Began: time.Now().UTC(), States: make(map[State]int)}
	page := make([]StoredUpload, 0, maxPoll)
	for u, err := range r.deps.Stored.Uploads(ctx, sel.Tenant) {
		if err != nil {
			return nil, errUnreachable("The object store cannot be listed.", fmt.Errorf("listing recordings: %w", err))
		}
		if u.At.Before(sel.Since) {
			continue
		}
		if p.Recordings++; progress != nil {
			progress(int64(p.Recordings), 0)
		}
		if u.Ended {
			p.States[Completed]++
			continue
		}
		if page = append(page, u); len(page) < maxPoll {
			continue
		}
		if err := r.addStored(ctx, p, page); err != nil {
			return nil, err
		}
		if page = page[:0]; p.Start >= maxStored {
			p.More = true
			return p, r.leaveWaiting(ctx, p)
		}
	}
	if err := r.addStored(ctx, p, page); err != nil {
		return nil, err
	}
	return p, r.leaveWaiting(ctx, p)
}

// addStored adds uploads without an outcome to p.
func (r *Replayer) addStored(ctx context.Context, p *StoredPlan, page []StoredUpload) error {
	asked := newPlan(Selection{Only: []State{Missing}}, p.Began)
	announced := make([]Announcement, len(page))
	for i, u := range page {
		announced[i] = Announcement{ID: u.ID, Tenant: u.Tenant}
	}
	states, err := r.states(ctx, asked, announced)
	if err != nil {
		return err
	}
	announcing, err := r.announcing(ctx, page, states)
	if err != nil {
		return err
	}
	for i, u := range page {
		p.States[states[i].state]++
		switch {
		case states[i].state != Missing:
		case announcing[i]:
			p.Announcing++
		default:
			p.missing = append(p.missing, u)
			p.Start++
		}
	}
	return nil
}

// announcing reports which of the missing uploads have a marker.
func (r *Replayer) announcing(ctx context.Context, page []StoredUpload, states []workflowState) ([]bool, error) {
	marked := make([]bool, len(page))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	for i, u := range page {
		if states[i].state != Missing {
			continue
		}
		group.Go(func() (err error) {
			if marked[i], err = r.deps.Stored.Announcing(ctx, u.Tenant, u.ID); err != nil {
				return errUnreachable("The object store cannot be asked for markers.", fmt.Errorf("looking for the marker of %s: %w", u.ID, err))
			}
			return nil
		})
	}
	return marked, group.Wait()
}

// RunStored starts the uploads that the plan found, as Run does. It keeps no state: a new
// plan finds what is left after an interruption. Options.Save is not called.
func (r *Replayer) RunStored(ctx context.Context, p *StoredPlan, opts Options) (Result, error) {
	limit := rate.Inf
	if opts.Rate > 0 {
		limit = rate.Limit(opts.Rate)
	}
	s := &storedRun{Replayer: r, opts: opts, total: int64(p.Start), result: Result{Started: make(map[State]int)}}
	limiter := rate.NewLimiter(limit, 1)
	group, starting := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	var ended error
	for _, u := range p.missing {
		if err := limiter.Wait(starting); err != nil {
			ended = cmp.Or(context.Cause(starting), err)
			break
		}
		group.Go(func() error { return s.start(starting, u) })
	}
	if err := cmp.Or(group.Wait(), ended); err != nil {
		return s.result, fmt.Errorf("replaying from the store: %w", err)
	}
	return s.result, nil
}

type storedRun struct {
	*Replayer
	opts  Options
	total int64

	mu     sync.Mutex
	done   int64
	result Result
}

func (s *storedRun) count(add func(*Result)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	add(&s.result)
	if s.done++; s.opts.Progress != nil {
		s.opts.Progress(s.done, s.total)
	}
}

// start starts the workflow of an upload, and counts what became of it.
func (s *storedRun) start(ctx context.Context, stored StoredUpload) error {
	u, err := s.stored(ctx, stored)
	switch {
	case unavailable(err):
		s.count(func(n *Result) { n.Left++ })
		return nil
	case unprocessable(err):
		s.refuse(stored, err)
		return nil
	case err != nil:
		return fmt.Errorf("reading the recording of %s: %w", stored.ID, err)
	}
	erased, err := s.erased(ctx, u.Tenant, u.ID)
	if err != nil {
		return err
	}
	if erased {
		s.count(func(n *Result) { n.Overtaken++ })
		return nil
	}
	e, err := events.NewReceived(u)
	if err != nil {
		s.refuse(stored, err)
		return nil
	}
	rec := e.Record(events.TopicUploads)
	rec.Partition, rec.Offset = noPosition, noPosition
	err = retry(ctx, func(ctx context.Context) error { return s.execute(ctx, rec, u, Missing) })
	var exists *serviceerror.WorkflowExecutionAlreadyStarted
	var invalid *serviceerror.InvalidArgument
	switch {
	case err == nil:
		s.count(func(n *Result) { n.Started[Missing]++ })
	case errors.As(err, &exists):
		s.count(func(n *Result) { n.Overtaken++ })
	case errors.As(err, &invalid):
		s.refuse(stored, err)
	default:
		return fmt.Errorf("starting the workflow of %s: %w", u.ID, err)
	}
	return nil
}

// noPosition is the partition and the offset of an announcement that is on no topic.
const noPosition = -1

func (s *storedRun) stored(ctx context.Context, stored StoredUpload) (u orak.Upload, err error) {
	err = retry(ctx, func(context.Context) (err error) {
		reading, cancel := context.WithTimeout(ctx, readTimeout)
		defer cancel()
		u, err = s.deps.Stored.Upload(reading, stored.Tenant, stored.ID)
		return err
	})
	return u, err
}

func (s *storedRun) refuse(stored StoredUpload, err error) {
	s.count(func(n *Result) {
		n.Refused++
		if len(n.Examples) < maxExamples {
			n.Examples = append(n.Examples, Record{noPosition, noPosition, fmt.Sprintf("%s: %v", stored.ID, err)})
		}
	})
}
