package resumable

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"orak"
)

// request writes an upload within one epoch.
type request struct {
	u  *Uploads
	st versioned
	// sum is the running digest of all bytes up to offset, and offset how many were
	// read, of which the last ones are in buf.
	sum    hash.Hash
	offset int64
	buf    []byte
	n      int
	// pieces are those of the state and those of this request.
	pieces  []piece
	pending int64
	// done means that the recording is stored and announced.
	done bool
	// clean means that no piece or part failed, so that buf may be reused.
	clean bool
}

// begin excludes every earlier request of the upload.
func (u *Uploads) begin(ctx context.Context, v versioned, checked bool) (*request, error) {
	next := v.state
	if next.Open {
		next.Next++
	}
	next.Epoch, next.Open, next.Checked, next.Phase = next.Epoch+1, true, checked, receiving
	next.Upload.SHA256, next.Upload.ReceivedAt = "", time.Time{}
	v, err := u.write(ctx, v, next)
	if err != nil {
		return nil, err
	}
	return u.resume(v)
}

func (u *Uploads) resume(v versioned) (*request, error) {
	sum, err := v.sum()
	if err != nil {
		return nil, err
	}
	return &request{u: u, st: v, sum: sum, offset: v.Offset, pieces: v.Pieces, pending: v.pending(), clean: true}, nil
}

// receive reads body to its end and stores it. Whatever arrived before an error of
// the body is stored, too, unless the request has a checksum.
func (r *request) receive(ctx context.Context, b Body) error {
	r.buf = r.u.memory.take(minShare)
	defer func() { r.u.memory.giveBack(r.buf, r.clean) }()
	if r.pending >= r.u.memory.part { // those of requests with a checksum
		if err := r.flushPart(ctx); err != nil {
			return err
		}
	}
	for {
		full, bodyErr := r.fill(b)
		switch {
		case bodyErr == io.EOF && b.verify() != nil:
			return errors.Join(b.verify(), r.discard(ctx))
		case r.offset == r.st.Upload.Size && (bodyErr == io.EOF || bodyErr != nil && b.Checksum == nil && !errors.Is(bodyErr, ErrLength)):
			return r.complete(ctx)
		case bodyErr == io.EOF:
			return r.close(ctx)
		case bodyErr != nil && b.Checksum != nil, errors.Is(bodyErr, ErrLength):
			return errors.Join(bodyErr, r.discard(ctx))
		case bodyErr != nil:
			return errors.Join(bodyErr, r.close(ctx))
		case full:
			if err := r.flush(ctx, b.Checksum != nil); err != nil {
				return err
			}
		}
	}
}

// fill reads until the share is full or the body ends.
func (r *request) fill(b Body) (full bool, err error) {
	for {
		room := r.room(b.Checksum != nil)
		if int64(r.n) >= room {
			return true, nil
		}
		if r.n == len(r.buf) {
			r.grow()
		}
		n, err := b.Reader.Read(r.buf[r.n:min(int64(len(r.buf)), room)])
		if r.offset+int64(n) > r.st.Upload.Size {
			return false, ErrLength
		}
		r.sum.Write(r.buf[r.n : r.n+n])
		if b.Checksum != nil {
			b.Checksum.Sum.Write(r.buf[r.n : r.n+n])
		}
		r.n += n
		r.offset += int64(n)
		if err != nil {
			return false, err
		}
	}
}

// room is how many bytes buf may hold: the request's share, at most as many as fill a
// part with the pieces.
func (r *request) room(checked bool) int64 {
	room := r.u.memory.share()
	if !checked {
		room = min(room, r.u.memory.part-r.pending)
	}
	return max(room, 1)
}

func (r *request) grow() {
	grown := r.u.memory.take(int64(len(r.buf)) * 2)
	copy(grown, r.buf[:r.n])
	r.u.memory.giveBack(r.buf, true)
	r.buf = grown
}

// flush stores what is in memory: as a part, if it fills one with the pieces.
func (r *request) flush(ctx context.Context, checked bool) error {
	if !checked && r.pending+int64(r.n) >= r.u.memory.part {
		return r.flushPart(ctx)
	}
	return r.flushPiece(ctx)
}

func (r *request) flushPiece(ctx context.Context) error {
	if r.n == 0 {
		return nil
	}
	state, err := frozen(r.sum)
	if err != nil {
		return err
	}
	p := piece{Name: pieceName(r.st.Epoch, r.offset-int64(r.n)), Size: int64(r.n)}
	if err := r.u.putPiece(ctx, r.st.pieceKey(p.Name), r.buf[:r.n], state); err != nil {
		r.clean = false
		return err
	}
	r.pieces = append(r.pieces[:len(r.pieces):len(r.pieces)], p)
	r.pending += p.Size
	r.empty()
	return nil
}

// empty discards what is in memory, and begins with a small buffer again.
func (r *request) empty() {
	r.n = 0
	if len(r.buf) > minShare {
		r.u.memory.giveBack(r.buf, true)
		r.buf = r.u.memory.take(minShare)
	}
}

// flushPart sends the pieces and what is in memory as a part, and enters it.
func (r *request) flushPart(ctx context.Context) error {
	next, err := r.withPart(ctx)
	if err != nil {
		return err
	}
	return r.enter(ctx, next)
}

// withPart sends the pieces and what is in memory as a part, and returns the state
// that has it.
func (r *request) withPart(ctx context.Context) (state, error) {
	content, release, err := r.u.gather(ctx, &r.st.state, r.pieces, r.buf[:r.n])
	if err != nil {
		return state{}, err
	}
	defer func() { release(err == nil) }()
	next := r.st.state
	if err = r.u.ensureMultipart(ctx, &next, content); err != nil {
		return state{}, err
	}
	if r.st.Multipart == "" {
		// Entered first, so that whatever ends the upload knows what to abort.
		if r.st, err = r.u.write(ctx, r.st, next); err != nil {
			if errors.Is(err, errLost) { // otherwise the state may have it
				err = errors.Join(err, r.u.store.AbortMultipart(ctx, next.multipart()))
			}
			return state{}, err
		}
		next = r.st.state
	}
	part, err := r.u.putPart(ctx, &next, content)
	if err != nil {
		r.clean = false
		return state{}, err
	}
	next.Parts = append(next.Parts[:len(next.Parts):len(next.Parts)], part)
	next.Next++
	return next, nil
}

// enter writes next as the state in which nothing is pending.
func (r *request) enter(ctx context.Context, next state) (err error) {
	if next.Hash, err = frozen(r.sum); err != nil {
		return err
	}
	next.Offset, next.Pieces = r.offset, nil
	done := r.pieces
	if r.st, err = r.u.write(ctx, r.st, next); err != nil {
		return err
	}
	r.pieces, r.pending = nil, 0
	r.empty()
	r.u.removePieces(ctx, &r.st.state, done)
	return nil
}

// close stores what is in memory and ends the request in order.
func (r *request) close(ctx context.Context) error {
	if err := r.flushPiece(ctx); err != nil {
		return err
	}
	next := r.st.state
	var err error
	if next.Hash, err = frozen(r.sum); err != nil {
		return err
	}
	next.Offset, next.Pieces, next.Open, next.Checked = r.offset, r.pieces, false, false
	replaced, err := r.compact(ctx, &next)
	if err != nil {
		return err
	}
	if r.st, err = r.u.write(ctx, r.st, next); err != nil {
		return err
	}
	r.u.removePieces(ctx, &next, replaced)
	return nil
}

// maxPieces is the number of pieces above which they are joined to one, so that many
// small requests make neither a large state nor many objects.
const maxPieces = 64

// compact joins the pieces of next if they are many, and returns those that it
// replaced.
func (r *request) compact(ctx context.Context, next *state) (replaced []piece, err error) {
	if len(next.Pieces) <= maxPieces {
		return nil, nil
	}
	content, release, err := r.u.gather(ctx, next, next.Pieces, nil)
	if err != nil {
		return nil, err
	}
	defer func() { release(err == nil) }()
	joined := piece{Name: pieceName(next.Epoch, next.Offset) + "-joined", Size: int64(len(content))}
	if err = r.u.putPiece(ctx, next.pieceKey(joined.Name), content, next.Hash); err != nil {
		return nil, err
	}
	replaced, next.Pieces = next.Pieces, []piece{joined}
	return replaced, nil
}

// discard ends the request as if it had never been.
func (r *request) discard(ctx context.Context) error {
	next := r.st.state
	next.Open, next.Checked = false, false
	var err error
	r.st, err = r.u.write(ctx, r.st, next)
	return err
}

// complete stores the recording, whose last bytes are in memory.
func (r *request) complete(ctx context.Context) error {
	next := r.st.state
	if next.Multipart != "" && r.pending+int64(r.n) > 0 {
		var err error
		if next, err = r.withPart(ctx); err != nil {
			return err
		}
	}
	next.Phase, next.Upload.SHA256, next.Upload.ReceivedAt = completing, digestOf(r.sum), time.Now().UTC().Truncate(orak.TimePrecision)
	if next.Multipart != "" {
		next.Open = false
		if err := r.enter(ctx, next); err != nil {
			return err
		}
		return r.ended(r.u.finish(ctx, r.st))
	}
	if err := r.u.identify(ctx, &next, r.pieces, r.buf[:r.n]); err != nil {
		return err
	}
	// Until the recording is stored, its last bytes are in memory only: the state
	// keeps the offset, from which the sender goes on if this process dies now.
	var err error
	if r.st, err = r.u.write(ctx, r.st, next); err != nil {
		return err
	}
	return r.ended(r.u.putWhole(ctx, r.st, r.pieces, r.buf[:r.n]))
}

func (r *request) ended(err error) error {
	r.done = err == nil
	return err
}

// status is where the upload stands after the request.
func (r *request) status() Status {
	if r.done {
		return doneStatus(r.st.Upload.ID, r.st.Upload.Size, r.st.Upload.SHA256)
	}
	return r.st.status()
}

// errParts means that the upload has used every number of a part.
var errParts = &orak.Fault{Class: orak.ClassInput, Message: "The upload was interrupted too often for its size. Begin it anew."}

// wrapf keeps the errors of this package short at their call sites.
func wrapf(err error, doing string, id orak.UploadID) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s upload %s: %w", doing, id, err)
}
