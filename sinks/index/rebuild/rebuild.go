// Package rebuild makes the rows of the index from the store of recordings: of what
// each upload came to, and of what was erased.
//
// What the store does not know is only on the topics: at which stage an upload is that
// has not ended, and that it is parked. A new index reads them from the start by
// itself, so that both together have every state. Neither undoes the other, in any
// order: see index.Upload.Rank.
package rebuild

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"orak"
	"orak/sinks/index"
)

// Objects is the store of recordings. What is not there is nil.
type Objects interface {
	// Keys lists the keys behind after that begin with prefix, in their order.
	Keys(ctx context.Context, prefix, after string) iter.Seq2[string, error]
	// Recording describes an upload by what stands at its recording.
	Recording(ctx context.Context, t orak.Tenant, id orak.UploadID) (*orak.Upload, error)
	Outcome(ctx context.Context, t orak.Tenant, id orak.UploadID) (*orak.Progress, error)
	Analysis(ctx context.Context, t orak.Tenant, id orak.UploadID) (*orak.Analysis, error)
	Tombstone(ctx context.Context, t orak.Tenant, id orak.UploadID) (*orak.Tombstone, error)
}

// Store is the index.
type Store interface {
	Restore(ctx context.Context, rows []index.Upload, cursor string) error
	RestoreCursor(ctx context.Context) (string, error)
}

const (
	uploads = "uploads/"
	erased  = "erased/"
	// pageRows is how many rows are written in one transaction, and readers how many
	// uploads are read from the store at the same time.
	pageRows = 500
	readers  = 32
)

// Result is what a rebuild did.
type Result struct {
	// Resumed says that it went on behind an interrupted one.
	Resumed bool `json:"resumed"`
	// Examined are the uploads and tombstones that were read, and Written those that
	// gave a row.
	Examined int64         `json:"examined"`
	Written  int64         `json:"written"`
	Took     time.Duration `json:"-"`
}

// Run writes every row, and goes on behind a run that was interrupted. counting is
// called with the number found so far, then writing with the done of total; both may
// be called often.
func Run(ctx context.Context, from Objects, to Store, counting func(found int64), writing func(done, total int64)) (Result, error) {
	began := time.Now()
	cursor, err := to.RestoreCursor(ctx)
	if err != nil {
		return Result{}, err
	}
	r := &run{from: from, to: to, writing: writing, result: Result{Resumed: cursor != ""}}
	for e, err := range entries(ctx, from, cursor) {
		if err != nil {
			return Result{}, err
		}
		_ = e
		if r.total++; r.total%100 == 0 {
			counting(r.total)
		}
	}
	if err := r.write(ctx, cursor); err != nil {
		return r.result, err
	}
	r.result.Took = time.Since(began)
	return r.result, to.Restore(ctx, nil, "")
}

// run is a Run underway.
type run struct {
	from    Objects
	to      Store
	writing func(done, total int64)
	total   int64
	result  Result
}

// entry is an upload in the store, or its tombstone.
type entry struct {
	tenant orak.Tenant
	id     orak.UploadID
	erased bool
	// ended and recorded say which objects are there.
	ended, recorded bool
}

// cursor is the place in the listing behind the objects of e.
func (e entry) cursor() string {
	if e.erased {
		return orak.ErasedKey(e.tenant, e.id)
	}
	return orak.UploadPrefix(e.tenant, e.id) + "~" // behind every name
}

// entries lists the uploads behind cursor, then the tombstones.
func entries(ctx context.Context, from Objects, cursor string) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		if !strings.HasPrefix(cursor, erased) {
			if !recorded(ctx, from, cursor, yield) {
				return
			}
			cursor = ""
		}
		for key, err := range from.Keys(ctx, erased, cursor) {
			e, ok := parseErased(key)
			if (err != nil || ok) && !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// recorded yields the uploads; it is false where the listing ends with that.
func recorded(ctx context.Context, from Objects, cursor string, yield func(entry, error) bool) bool {
	var last entry
	for key, err := range from.Keys(ctx, uploads, cursor) {
		if err != nil {
			yield(entry{}, err)
			return false
		}
		e, name, ok := parseUpload(key)
		if !ok {
			continue
		}
		if e != (entry{tenant: last.tenant, id: last.id}) {
			if last.id != "" && !yield(last, nil) {
				return false
			}
			last = e
		}
		switch name {
		case "original":
			last.recorded = true
		case "outcome.json":
			last.ended = true
		}
	}
	return last.id == "" || yield(last, nil)
}

// parseUpload reads uploads/<tenant>/<id>/<name>.
func parseUpload(key string) (e entry, name string, ok bool) {
	parts := strings.Split(key, "/")
	if len(parts) != 4 {
		return entry{}, "", false
	}
	e, ok = parse(parts[1], parts[2])
	return e, parts[3], ok
}

// parseErased reads erased/<tenant>/<id>.json.
func parseErased(key string) (e entry, ok bool) {
	parts := strings.Split(key, "/")
	if len(parts) != 3 {
		return entry{}, false
	}
	id, json := strings.CutSuffix(parts[2], ".json")
	e, ok = parse(parts[1], id)
	e.erased = true
	return e, ok && json
}

func parse(tenant, id string) (entry, bool) {
	t, tErr := orak.ParseTenant(tenant)
	u, uErr := orak.ParseUploadID(id)
	return entry{tenant: t, id: u}, tErr == nil && uErr == nil
}

// write writes the rows page by page, each with the place behind it.
func (r *run) write(ctx context.Context, cursor string) error {
	var page []entry
	for e, err := range entries(ctx, r.from, cursor) {
		if err != nil {
			return err
		}
		if page = append(page, e); len(page) < pageRows {
			continue
		}
		if err := r.writePage(ctx, page); err != nil {
			return err
		}
		page = page[:0]
	}
	if len(page) == 0 {
		return nil
	}
	return r.writePage(ctx, page)
}

func (r *run) writePage(ctx context.Context, page []entry) error {
	found := make([]*index.Upload, len(page))
	reading, readCtx := errgroup.WithContext(ctx)
	reading.SetLimit(readers)
	for i, e := range page {
		reading.Go(func() (err error) {
			found[i], err = row(readCtx, r.from, e)
			if err != nil {
				err = fmt.Errorf("reading upload %s: %w", e.id, err)
			}
			return err
		})
	}
	if err := reading.Wait(); err != nil {
		return err
	}
	var rows []index.Upload
	for _, u := range found {
		if u != nil {
			rows = append(rows, *u)
		}
	}
	if err := r.to.Restore(ctx, rows, page[len(page)-1].cursor()); err != nil {
		return err
	}
	r.result.Examined += int64(len(page))
	r.result.Written += int64(len(rows))
	r.writing(r.result.Examined, max(r.total, r.result.Examined))
	return nil
}

// row makes the row of an entry; nil if there is nothing to say, as of an upload that
// was erased in between.
func row(ctx context.Context, from Objects, e entry) (*index.Upload, error) {
	if e.erased {
		stone, err := from.Tombstone(ctx, e.tenant, e.id)
		if err != nil || stone == nil || stone.ErasedAt.IsZero() {
			return nil, err // an erasure underway tells of its end
		}
		u := index.FromTombstone(e.tenant, *stone)
		return &u, nil
	}
	if e.ended {
		if u, err := outcome(ctx, from, e); err != nil || u != nil {
			return u, err
		}
	}
	if !e.recorded {
		return nil, nil
	}
	recording, err := from.Recording(ctx, e.tenant, e.id)
	if err != nil || recording == nil {
		return nil, err
	}
	u := index.Queued(*recording)
	return &u, nil
}

func outcome(ctx context.Context, from Objects, e entry) (*index.Upload, error) {
	p, err := from.Outcome(ctx, e.tenant, e.id)
	if err != nil || p == nil || p.Upload.ID != e.id || p.Upload.Tenant != e.tenant {
		return nil, err
	}
	var a *orak.Analysis
	if p.Status == orak.StatusCompleted {
		if a, err = from.Analysis(ctx, e.tenant, e.id); err != nil {
			return nil, err
		}
	}
	u := index.FromOutcome(*p, a)
	if u.Check() != nil {
		return nil, nil // of no use, and not ours
	}
	return &u, nil
}
