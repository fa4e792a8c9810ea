package lake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/parquet-go/parquet-go"

	"orak"
)

// rewrite puts one file in place of group, without the rows of erased uploads.
func (r *run) rewrite(ctx context.Context, group []file) error {
	out := group[0]
	out.last, out.generation = -1, 0
	for i := range group {
		f := &group[i]
		if !f.compacted() {
			last, err := lastOf(ctx, r.store, f.key())
			if err != nil {
				return err
			}
			f.last = last
		}
		out.last, out.generation = max(out.last, f.last), max(out.generation, f.generation)
	}
	out.generation++
	var dropped int64
	var err error
	switch out.table {
	case Lifecycle:
		dropped, err = put[LifecycleRow](ctx, r, out, group)
	case Analyses:
		dropped, err = put[AnalysisRow](ctx, r, out, group)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil // another run has put it; the next one does what is left
	}
	if err != nil {
		return fmt.Errorf("compacting %d files into %s: %w", len(group), out.key(), err)
	}
	r.counts.Compacted++
	r.counts.Replaced += len(group)
	r.counts.ErasedRows += dropped
	return nil
}

// put streams the rows of group into the file out.
func put[T row](ctx context.Context, r *run, out file, group []file) (dropped int64, err error) {
	body, to := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		var err error
		dropped, err = merge[T](ctx, r, to, out, group)
		to.CloseWithError(err)
	}()
	err = r.store.PutNew(ctx, out.key(), body, -1, metadata(out.last))
	body.CloseWithError(io.ErrClosedPipe) // ends merge where the put has ended early
	<-done
	return dropped, err
}

// merge writes the rows of group, in the order of their offsets and each once: files
// may overlap after offsets were reset.
func merge[T row](ctx context.Context, r *run, to io.Writer, out file, group []file) (dropped int64, err error) {
	w, covered := parquetWriter[T](to, out.last), int64(-1)
	buf := make([]T, 256)
	for _, f := range group {
		data, err := fetch(ctx, r.store, f.key())
		if err != nil {
			return 0, err
		}
		rows := parquet.NewGenericReader[T](bytes.NewReader(data))
		for end := false; !end; {
			clear(buf) // rows share their lists after the filter below
			n, err := rows.Read(buf)
			if end = errors.Is(err, io.EOF); err != nil && !end {
				return 0, fmt.Errorf("reading %s: %w", f.key(), err)
			}
			kept := buf[:0]
			for _, row := range buf[:n] {
				o := row.origin()
				switch {
				case o.Offset <= covered:
				case r.all[orak.UploadID(o.UploadID)]:
					dropped++
				default:
					kept = append(kept, row)
				}
			}
			if _, err := w.Write(kept); err != nil {
				return 0, fmt.Errorf("writing %s: %w", out.key(), err)
			}
		}
		if err := rows.Close(); err != nil {
			return 0, fmt.Errorf("reading %s: %w", f.key(), err)
		}
		covered = max(covered, f.last)
	}
	if err := w.Close(); err != nil {
		return 0, fmt.Errorf("writing %s: %w", out.key(), err)
	}
	return dropped, nil
}

// hasErased reports whether f has rows of erased uploads. Only what the last run did
// not see is looked for: its erasures in old files, and all in new files.
func (r *run) hasErased(ctx context.Context, f file) (bool, error) {
	ids := r.recent
	if !f.put.Before(r.since) {
		ids = r.all
	}
	if len(ids) == 0 {
		return false, nil
	}
	maybe, err := r.mayHave(ctx, f, ids)
	if err != nil || !maybe {
		return false, err
	}
	data, err := fetch(ctx, r.store, f.key())
	if err != nil {
		return false, err
	}
	type upload struct {
		ID string `parquet:"upload_id"`
	}
	rows, err := parquet.Read[upload](bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return false, fmt.Errorf("reading %s: %w", f.key(), err)
	}
	for _, row := range rows {
		if ids[orak.UploadID(row.ID)] {
			return true, nil
		}
	}
	return false, nil
}

// mayHave asks the Bloom filters of f, for which only its end is read.
func (r *run) mayHave(ctx context.Context, f file, ids map[orak.UploadID]bool) (bool, error) {
	at := &rangeReader{size: f.size, blocks: make(map[int64][]byte), read: func(offset, length int64) (io.ReadCloser, error) {
		return r.store.Range(ctx, f.key(), offset, length)
	}}
	opened, err := parquet.OpenFile(at, f.size, parquet.SkipPageIndex(true))
	if err != nil {
		return false, fmt.Errorf("opening %s: %w", f.key(), err)
	}
	column, ok := opened.Schema().Lookup(uploadColumn)
	if !ok {
		return false, fmt.Errorf("opening %s: it has no column %s", f.key(), uploadColumn)
	}
	for _, rows := range opened.RowGroups() {
		filter := rows.ColumnChunks()[column.ColumnIndex].BloomFilter()
		if filter == nil {
			return true, nil
		}
		for id := range ids {
			maybe, err := filter.Check(parquet.ValueOf(string(id)))
			if err != nil {
				return false, fmt.Errorf("reading the Bloom filter of %s: %w", f.key(), err)
			}
			if maybe {
				return true, nil
			}
		}
	}
	return false, nil
}

// rangeBlock is how much of an object is read at a time, in bytes.
const rangeBlock = 128 << 10

// rangeReader reads parts of an object, and keeps them.
type rangeReader struct {
	size   int64
	read   func(offset, length int64) (io.ReadCloser, error)
	blocks map[int64][]byte
}

// ReadAt implements io.ReaderAt.
func (r *rangeReader) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) && off < r.size {
		at := off - off%rangeBlock
		block, err := r.block(at)
		if err != nil {
			return n, err
		}
		k := copy(p[n:], block[off-at:])
		n, off = n+k, off+int64(k)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (r *rangeReader) block(at int64) ([]byte, error) {
	if block, ok := r.blocks[at]; ok {
		return block, nil
	}
	block := make([]byte, min(rangeBlock, r.size-at))
	body, err := r.read(at, int64(len(block)))
	if err != nil {
		return nil, fmt.Errorf("reading the lake: %w", err)
	}
	defer body.Close()
	if _, err := io.ReadFull(body, block); err != nil {
		return nil, fmt.Errorf("reading the lake: %w", err)
	}
	r.blocks[at] = block
	return block, nil
}
