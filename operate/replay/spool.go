package replay

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/google/uuid"

	"orak"
)

// entryKind says what a record is about an upload.
type entryKind byte

const (
	announced entryKind = iota
	notified
	withdrawn
)

// entry is what a plan keeps of a record about an upload until all are read.
type entry struct {
	kind entryKind
	Announcement
}

// Bounds of the memory of a plan: up to inMemory entries stay there; more of them go
// to buckets on disk, of which one at a time is read again. An upload's entries are all
// in one bucket.
const (
	inMemory = 200_000
	buckets  = 256
)

// spool keeps the entries of a plan, in the order in which they were read.
type spool struct {
	// inMemory is how many entries are kept in memory before all go to disk.
	inMemory int
	n        int
	memory   []entry
	disk     []*bucket
}

// bucket is a file that has been removed already, so that nothing of it stays behind
// whatever becomes of the process.
type bucket struct {
	file *os.File
	w    *bufio.Writer
}

func newSpool() *spool { return &spool{inMemory: inMemory} }

func (s *spool) add(e entry) error {
	s.n++
	if s.disk != nil {
		return s.write(e)
	}
	if s.memory = append(s.memory, e); len(s.memory) <= s.inMemory {
		return nil
	}
	if err := s.open(); err != nil {
		return err
	}
	for _, e := range s.memory {
		if err := s.write(e); err != nil {
			return err
		}
	}
	s.memory = nil
	return nil
}

func (s *spool) open() error {
	for range buckets {
		f, err := os.CreateTemp("", "orak-replay-*")
		if err != nil {
			return onDisk(err)
		}
		s.disk = append(s.disk, &bucket{file: f, w: bufio.NewWriter(f)})
		if err := os.Remove(f.Name()); err != nil {
			return onDisk(err)
		}
	}
	return nil
}

// close gives the disk back.
func (s *spool) close() {
	for _, b := range s.disk {
		_ = b.file.Close() // nothing of it is needed any more
	}
	s.disk, s.memory = nil, nil
}

func onDisk(err error) error {
	return fmt.Errorf("keeping the plan in %s (TMPDIR): %w", os.TempDir(), err)
}

// maxEntry is more than the length of an entry on disk.
const maxEntry = 1 + 16 + 1 + 63 + 3*binary.MaxVarintLen64

// write appends an entry to the bucket of its upload.
func (s *spool) write(e entry) error {
	id, err := uuid.Parse(string(e.ID))
	if err != nil {
		return fmt.Errorf("keeping upload %.40q: %w", e.ID, err)
	}
	line := make([]byte, 0, maxEntry)
	line = append(line, byte(e.kind))
	line = append(line, id[:]...)
	line = append(line, byte(len(e.Tenant)))
	line = append(line, e.Tenant...)
	line = binary.AppendUvarint(line, uint64(e.Partition))
	line = binary.AppendUvarint(line, uint64(e.Offset))
	line = binary.AppendUvarint(line, uint64(e.Entry))
	if _, err := s.disk[crc32.ChecksumIEEE(id[:])%buckets].w.Write(line); err != nil {
		return onDisk(err)
	}
	return nil
}

// each passes all entries to visit, those of an upload together in their order.
func (s *spool) each(visit func([]entry) error) error {
	if s.disk == nil {
		return visit(s.memory)
	}
	for _, b := range s.disk {
		entries, err := b.read()
		if err != nil {
			return onDisk(err)
		}
		if err := visit(entries); err != nil {
			return err
		}
	}
	return nil
}

func (b *bucket) read() (all []entry, err error) {
	if err := b.w.Flush(); err != nil {
		return nil, err
	}
	if _, err := b.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	for r := bufio.NewReader(b.file); ; {
		e, err := readEntry(r)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
}

// readEntry returns io.EOF only between two entries.
func readEntry(r *bufio.Reader) (e entry, err error) {
	kind, err := r.ReadByte()
	if err != nil {
		return e, err
	}
	var head [17]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return e, cut(err)
	}
	tenant := make([]byte, head[16])
	if _, err := io.ReadFull(r, tenant); err != nil {
		return e, cut(err)
	}
	var place [3]uint64
	for i := range place {
		if place[i], err = binary.ReadUvarint(r); err != nil {
			return e, cut(err)
		}
	}
	return entry{entryKind(kind), Announcement{
		ID: orak.UploadID(uuid.UUID(head[:16]).String()), Tenant: orak.Tenant(tenant),
		Position: Position{Partition: int32(place[0]), Offset: int64(place[1]), Entry: int32(place[2])},
	}}, nil
}

// cut makes the end of the file within an entry an error.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
