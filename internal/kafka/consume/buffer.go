package consume

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

// buffer has room for twice the in-flight budget, so that a single partition can
// keep it busy, and for two batches.
func (c *Consumer) buffer() buffer {
	return buffer{records: max(minBuffer, 2*int(c.inflight.Load()), 2*c.batch.Records), bytes: bufferBytes}
}

func (f buffer) full(records, bytes int) bool { return records >= f.records || bytes >= f.bytes }

func (f buffer) low(records, bytes int) bool { return records <= f.records/2 && bytes <= f.bytes/2 }

// regulate pauses the fetching of a session's partition when its buffer is
// full, and resumes it when it is low or the session has ended. The client
// drops what it has fetched of a paused partition and fetches it again.
func (c *Consumer) regulate(cl *kgo.Client, s *session) {
	// Held over the client's call too: calls must come in the order of
	// their causes.
	c.flow.Lock()
	defer c.flow.Unlock()
	pause, resume := s.regulate()
	parts := map[string][]int32{s.partition.topic: {s.partition.id}}
	switch {
	case pause:
		c.metrics.paused.Inc()
		cl.PauseFetchPartitions(parts)
	case resume:
		c.metrics.paused.Dec()
		cl.ResumeFetchPartitions(parts)
	}
}
