package lake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"orak"
	"orak/activities"
)

const (
	// settle is how long after its end a day counts as finished: most of its events
	// are in the lake by then. Later ones are compacted in a later run.
	settle = time.Hour
	// clockSkew is how far the clocks of the store and of the workers may be apart.
	clockSkew = 15 * time.Minute
	// keepErasures is how long an erasure is looked for in new files: events of the
	// upload may be published again meanwhile.
	keepErasures = 48 * time.Hour
	// pageTime ends a page.
	pageTime = time.Minute
)

// Compactor keeps the files of the lake few, and removes the rows of erased uploads.
//
// A file is never changed. A compacted one covers the range of those that it replaces,
// and they stay for CompactConfig.Grace beside it, so that queries underway find what
// they have listed. Several runs at once do no harm: they put the same names, or
// nested ones.
type Compactor struct {
	cfg   CompactConfig
	store Store
	log   *slog.Logger
	files *prometheus.CounterVec
	rows  prometheus.Counter
}

var _ activities.LakeCompactor = (*Compactor)(nil)

// NewCompactor makes a Compactor. It registers with reg, unless that is nil.
func NewCompactor(cfg CompactConfig, store Store, log *slog.Logger, reg prometheus.Registerer) *Compactor {
	f := promauto.With(reg)
	return &Compactor{
		cfg: cfg, store: store, log: log.With("component", "lake-compaction"),
		files: f.NewCounterVec(prometheus.CounterOpts{Name: "orak_lake_compaction_files_total", Help: "Files of the lake, by what the compaction did with them: examined, compacted, replaced or removed."}, []string{"outcome"}),
		rows:  f.NewCounter(prometheus.CounterOpts{Name: "orak_lake_compaction_erased_rows_total", Help: "Rows of erased uploads that were left out of rewritten files."}),
	}
}

// Compact implements activities.LakeCompactor. Its cursor is above the last folder
// that is done.
func (c *Compactor) Compact(ctx context.Context, p activities.LakePage) (activities.LakePageDone, error) {
	erased, err := readErasures(ctx, c.store)
	if err != nil {
		return activities.LakePageDone{}, err
	}
	r := &run{
		Compactor: c, began: p.Began, since: p.Since.Add(-clockSkew), erased: erased,
		all: erased.since(time.Time{}), recent: erased.since(p.Since.Add(-clockSkew)),
	}
	cursor, err := r.page(ctx, p.Cursor)
	c.count(r.counts)
	if err == nil && cursor == "" {
		err = r.forget(ctx, p.Since)
	}
	return activities.LakePageDone{Counts: r.counts, Cursor: cursor}, err
}

func (c *Compactor) count(n activities.LakeCounts) {
	for outcome, files := range map[string]int{"examined": n.Examined, "compacted": n.Compacted, "replaced": n.Replaced, "removed": n.Removed} {
		c.files.WithLabelValues(outcome).Add(float64(files))
	}
	c.rows.Add(float64(n.ErasedRows))
}

// run is one page of a compaction.
type run struct {
	*Compactor
	began time.Time
	// since is when the last run saw the lake.
	since  time.Time
	erased *erasures
	// all are the erased uploads, and recent those that the last run has not seen.
	all, recent map[orak.UploadID]bool
	counts      activities.LakeCounts
}

// page compacts folder after folder from cursor on, and returns where the next page
// goes on; "" at the end.
func (r *run) page(ctx context.Context, cursor string) (string, error) {
	ending := time.Now().Add(pageTime)
	var files []file // of one folder
	flush := func() error {
		err := r.folder(ctx, files)
		files = nil
		return err
	}
	for o, err := range r.store.List(ctx, Prefix, cursor) {
		if err != nil {
			return "", fmt.Errorf("listing the lake: %w", err)
		}
		f, ok := parseKey(o.Key)
		if !ok {
			continue
		}
		f.size, f.put = o.Size, o.ModifiedAt
		if len(files) > 0 && (files[0].table != f.table || files[0].day != f.day) {
			done := folder(files[0].table, files[0].day) + "~" // above every file of it
			if err := flush(); err != nil {
				return "", err
			}
			if time.Now().After(ending) {
				return done, nil
			}
		}
		files = append(files, f)
	}
	return "", flush()
}

// folder compacts the files of a table and day.
func (r *run) folder(ctx context.Context, files []file) error {
	if len(files) == 0 {
		return nil
	}
	r.counts.Examined += len(files)
	slices.SortFunc(files, func(a, b file) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition),
			cmp.Compare(a.first, b.first), cmp.Compare(a.generation, b.generation))
	})
	for len(files) > 0 {
		n := slices.IndexFunc(files, func(f file) bool { return f.topic != files[0].topic || f.partition != files[0].partition })
		if n < 0 {
			n = len(files)
		}
		if err := r.partition(ctx, files[:n]); err != nil {
			return err
		}
		files = files[n:]
	}
	return nil
}

// partition compacts the files of one table, day and partition, in the order of their
// offsets.
func (r *run) partition(ctx context.Context, files []file) error {
	kept, err := r.removeReplaced(ctx, files)
	if err != nil {
		return err
	}
	for _, group := range r.groups(kept) {
		rewrite := len(group) > 1
		if !rewrite {
			if rewrite, err = r.hasErased(ctx, group[0]); err != nil {
				return err
			}
		}
		if !rewrite {
			continue
		}
		if err := r.rewrite(ctx, group); err != nil {
			return err
		}
	}
	return nil
}

// removeReplaced removes the files that were replaced long enough ago, and returns
// those that no other replaces.
func (r *run) removeReplaced(ctx context.Context, files []file) (kept []file, err error) {
	for _, f := range files {
		by, err := r.replacing(ctx, f, files)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another run has removed it
		}
		if err != nil {
			return nil, err
		}
		switch {
		case by == nil:
			kept = append(kept, f)
		case by.put.Add(r.cfg.Grace).Before(time.Now()):
			if err := r.store.Delete(ctx, f.key()); err != nil {
				return nil, fmt.Errorf("removing a replaced file: %w", err)
			}
			r.counts.Removed++
		}
	}
	return kept, nil
}

// replacing returns a file that replaces f; nil if there is none.
func (r *run) replacing(ctx context.Context, f file, files []file) (*file, error) {
	for i := range files {
		by := &files[i]
		if by.generation <= f.generation || by.first > f.first || by.last < f.first {
			continue
		}
		if f.last < 0 {
			var err error
			if f.last, err = lastOf(ctx, r.store, f.key()); err != nil {
				return nil, err
			}
		}
		if by.last >= f.last {
			return by, nil
		}
	}
	return nil, nil
}

// groups returns which files become one: neighbors of a finished day, up to
// CompactConfig.Size.
func (r *run) groups(files []file) (groups [][]file) {
	size := int64(0)
	for _, f := range files {
		n := len(groups) - 1
		if n >= 0 && r.finished(f.day) && size+f.size <= r.cfg.Size {
			groups[n] = append(groups[n], f)
			size += f.size
			continue
		}
		groups, size = append(groups, []file{f}), f.size
	}
	return groups
}

func (r *run) finished(day string) bool {
	begins, err := time.Parse(dayLayout, day)
	return err == nil && begins.Add(24*time.Hour+settle).Before(r.began)
}

// forget removes the erasures that every file is free of. It follows the last page of
// a run.
func (r *run) forget(ctx context.Context, since time.Time) error {
	for _, o := range r.erased.objects {
		if o.ModifiedAt.After(r.since) || since.IsZero() || o.ModifiedAt.Add(keepErasures).After(r.began) {
			continue
		}
		if err := r.store.Delete(ctx, o.Key); err != nil {
			return fmt.Errorf("removing erasures: %w", err)
		}
	}
	return nil
}
