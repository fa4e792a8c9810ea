package lake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
)

// writer puts the rows of batches into files. The files of a table, day and partition
// are a chain: each covers the offsets from the one in its name to the one in its
// metadata, and the next begins with the first row behind that. A name is put only
// once, so a writer that knows where the chain ends adds the next file, or finds that
// another one has. So every row is in one file, whatever batches the records were
// delivered in, after any crash, and with any number of writers.
type writer struct {
	store   Store
	metrics *metrics

	mu    sync.Mutex
	heads map[int32]*heads

	// conditional says that the store was seen to refuse a name that is taken.
	conditional atomic.Bool
}

// conditionalKey is the key of an object that is put only to see whether it can be put
// twice.
const conditionalKey = Prefix + "conditional-put"

// errUnconditional is a store that replaces an object which is to be put only once.
var errUnconditional = errors.New("the object store ignores If-None-Match, so that a file of the lake could replace another; use a store with conditional writes")

// checkConditional returns an error if the store does not refuse a name that is taken:
// files would replace others, and nothing would say so.
func (w *writer) checkConditional(ctx context.Context) error {
	if w.conditional.Load() {
		return nil
	}
	for range 2 {
		err := w.store.PutNew(ctx, conditionalKey, strings.NewReader("1"), 1, nil)
		if errors.Is(err, fs.ErrExist) {
			w.conditional.Store(true)
			return nil
		}
		if err != nil {
			return fmt.Errorf("looking for conditional writes: %w", err)
		}
	}
	return errUnconditional
}

// heads are the ends of a partition's chains, as far as this session has found out.
// One batch of a partition is handled at a time.
type heads struct {
	session uint64
	covered map[chain]int64
}

// chain names the files of a table and day, of one partition.
type chain struct {
	table Table
	day   string
}

// maxHeads bounds the chains that are remembered of a partition. Beyond it they are
// looked up again.
const maxHeads = 100

func newWriter(store Store, m *metrics) *writer {
	return &writer{store: store, metrics: m, heads: make(map[int32]*heads)}
}

// of returns the heads of a partition in a session, which begins without any: others
// may have owned the partition in between.
func (w *writer) of(partition int32, session uint64) *heads {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.heads[partition]
	if h == nil || h.session != session {
		h = &heads{session: session, covered: make(map[chain]int64)}
		w.heads[partition] = h
	}
	return h
}

// forget lets the next call of of begin without any.
func (w *writer) forget(partition int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.heads, partition)
}

// write puts the files of b. It may be repeated, and by others at the same time.
func (w *writer) write(ctx context.Context, b *batch, session uint64) (err error) {
	defer func() {
		if err != nil { // what was remembered may be why
			w.forget(b.partition)
		}
	}()
	if err := w.checkConditional(ctx); err != nil {
		return err
	}
	if err := w.putErasures(ctx, b); err != nil {
		return err
	}
	h := w.of(b.partition, session)
	for _, day := range days(b.lifecycle) {
		if err := extend(ctx, w, h, b, chain{Lifecycle, day}, b.lifecycle[day]); err != nil {
			return err
		}
	}
	for _, day := range days(b.analyses) {
		if err := extend(ctx, w, h, b, chain{Analyses, day}, b.analyses[day]); err != nil {
			return err
		}
	}
	return nil
}

// extend adds to a chain what it does not cover yet of rows.
func extend[T row](ctx context.Context, w *writer, h *heads, b *batch, c chain, rows []T) error {
	covered, known := h.covered[c]
	if !known {
		var err error
		if covered, err = w.find(ctx, b, c, rows[0].origin().Offset); err != nil {
			return err
		}
	}
	for rows = behind(rows, covered); len(rows) > 0; rows = behind(rows, covered) {
		f := file{table: c.table, day: c.day, topic: b.topic, partition: b.partition, first: rows[0].origin().Offset, last: b.last}
		err := putRows(ctx, w, f, rows)
		if err == nil {
			covered = b.last
			break
		}
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		// The file that is there is believed, and its rows are those that it covers.
		w.metrics.taken.Inc()
		if covered, err = lastOf(ctx, w.store, f.key()); err != nil {
			return err
		}
		if covered < f.first {
			return fmt.Errorf("reading what %s covers: it ends before its first offset", f.key())
		}
	}
	if len(h.covered) >= maxHeads {
		clear(h.covered)
	}
	h.covered[c] = covered
	return nil
}

func putRows[T row](ctx context.Context, w *writer, f file, rows []T) error {
	data, err := encode(rows, f.last)
	if err != nil {
		return err
	}
	if err := w.store.PutNew(ctx, f.key(), bytes.NewReader(data), int64(len(data)), metadata(f.last)); err != nil {
		return fmt.Errorf("putting a file of the lake: %w", err)
	}
	w.metrics.wrote(f.table, len(rows), len(data))
	return nil
}

// find returns up to which offset a chain is covered, as far as that concerns rows
// from first on; -1 if it is not. Every row before first is covered: it was committed.
func (w *writer) find(ctx context.Context, b *batch, c chain, first int64) (int64, error) {
	covered, before := int64(-1), ""
	for o, err := range w.store.List(ctx, folder(c.table, c.day)+stem(b.topic, b.partition), "") {
		if err != nil {
			return 0, fmt.Errorf("listing the lake: %w", err)
		}
		f, ok := parseKey(o.Key)
		if !ok || f.topic != b.topic || f.partition != b.partition {
			continue
		}
		if f.first > first {
			break
		}
		if f.compacted() {
			covered = max(covered, f.last)
		} else {
			before = o.Key
		}
	}
	if before == "" {
		return covered, nil
	}
	last, err := lastOf(ctx, w.store, before)
	return max(covered, last), err
}

// lastOf returns up to which offset a writer's file covers its chain.
func lastOf(ctx context.Context, s Store, key string) (int64, error) {
	meta, err := s.Metadata(ctx, key)
	if err != nil {
		return 0, fmt.Errorf("reading what a file of the lake covers: %w", err)
	}
	if value := meta[metaLastOffset]; value != "" {
		return coverage(value)
	}
	// A bucket that was copied has lost what stands beside its objects.
	data, err := fetch(ctx, s, key)
	if err != nil {
		return 0, err
	}
	last, err := coverageIn(data)
	if err != nil {
		return 0, fmt.Errorf("reading what %s covers: %w", key, err)
	}
	return last, nil
}

// maxFile is the size in bytes of the largest object that is read into memory.
const maxFile = 1 << 30

// fetch reads a whole object.
func fetch(ctx context.Context, s Store, key string) ([]byte, error) {
	body, size, err := s.Open(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("reading the lake: %w", err)
	}
	defer body.Close()
	if size > maxFile {
		return nil, fmt.Errorf("reading %s: %d bytes, at most %d are read", key, size, maxFile)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(body, data); err != nil {
		return nil, fmt.Errorf("reading the lake: %w", err)
	}
	return data, nil
}
