package bridge

import "github.com/twmb/franz-go/pkg/kgo"

// minBuffer is the smallest buffer of a partition in records; bufferBytes is
// its size in bytes of keys and values. One poll may go beyond either.
const (
	minBuffer   = 512
	bufferBytes = 4 << 20
)

// buffer is how much of a partition waits in memory for its turn before the
// partition is paused; it is resumed at half of that.
type buffer struct {
	records int
	bytes   int
}

// buffer has room for twice the in-flight budget, so that one partition alone
// can keep it busy.
func (b *Bridge) buffer() buffer {
	return buffer{records: max(minBuffer, 2*b.cfg.Inflight), bytes: bufferBytes}
}

func (f buffer) full(records, bytes int) bool { return records >= f.records || bytes >= f.bytes }

func (f buffer) low(records, bytes int) bool { return records <= f.records/2 && bytes <= f.bytes/2 }

// regulate pauses the fetching of a session's partition when its buffer is
// full, and resumes it when it is low or the session has ended. The client
// throws away what it has fetched of a paused partition and fetches it again.
func (b *Bridge) regulate(cl *kgo.Client, s *session) {
	// Held over the client's call too: calls must come in the order of what
	// they follow from.
	b.flow.Lock()
	defer b.flow.Unlock()
	pause, resume := s.regulate(b.buffer())
	parts := map[string][]int32{s.partition.topic: {s.partition.id}}
	switch {
	case pause:
		b.metrics.paused.Inc()
		cl.PauseFetchPartitions(parts)
	case resume:
		b.metrics.paused.Dec()
		cl.ResumeFetchPartitions(parts)
	}
}
