package media

import (
	"encoding/binary"
	"io"
)

// window reads small pieces of a file, mostly forward, from a buffer.
type window struct {
	r    io.ReaderAt
	size int64
	buf  []byte
	off  int64
}

const windowLen = 64 << 10

// at returns the n bytes at off, or as many as the file has. They are valid until
// the next call. A read error looks like the end of the file: it only adds to
// Audio.Damage.
func (w *window) at(off int64, n int) []byte {
	if off < 0 || off >= w.size {
		return nil
	}
	n = int(min(int64(n), w.size-off))
	if off < w.off || off+int64(n) > w.off+int64(len(w.buf)) {
		buf := w.buf[:cap(w.buf)]
		if len(buf) < max(n, windowLen) {
			buf = make([]byte, max(n, windowLen))
		}
		read, _ := w.r.ReadAt(buf, off)
		w.buf, w.off = buf[:read], off
	}
	have := w.buf[off-w.off:]
	return have[:min(n, len(have))]
}

// has reports whether the file has want at off.
func (w *window) has(off int64, want string) bool { return string(w.at(off, len(want))) == want }

// The numbers at off; 0 where the file ends.

func (w *window) u32(off int64) uint32 {
	if b := w.at(off, 4); len(b) == 4 {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (w *window) u64(off int64) uint64 {
	if b := w.at(off, 8); len(b) == 8 {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (w *window) le32(off int64) uint32 {
	if b := w.at(off, 4); len(b) == 4 {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (w *window) le64(off int64) uint64 {
	if b := w.at(off, 8); len(b) == 8 {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}
