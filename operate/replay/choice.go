package replay

import "slices"

// choice has the states of the chosen announcements, with a byte for each offset in a
// stretch of the topic in which something is chosen. So it is bounded by the records
// that are read, and not larger because much is chosen.
type choice struct {
	stretches map[stretch]*[stretchSize]byte
	// bounds are from the first to the last chosen record of each partition.
	bounds map[int32]Bounds
}

// stretch is a part of a partition, of the announcements that have the same index in
// their records.
type stretch struct {
	number    int64
	partition int32
	entry     int32
}

const stretchSize = 4096

// chosenStates are the states that a choice can have; 0 means not chosen.
var chosenStates = []State{"", Missing, Failed, Completed, Withdrawn}

func newChoice() *choice {
	return &choice{stretches: make(map[stretch]*[stretchSize]byte), bounds: make(map[int32]Bounds)}
}

func placeOf(at Position) (of stretch, i int64) {
	return stretch{number: at.Offset / stretchSize, partition: at.Partition, entry: at.Entry}, at.Offset % stretchSize
}

// add chooses an announcement, whose upload has one of the chosenStates.
func (c *choice) add(at Position, s State) {
	of, i := placeOf(at)
	states, ok := c.stretches[of]
	if !ok {
		states = new([stretchSize]byte)
		c.stretches[of] = states
	}
	states[i] = byte(slices.Index(chosenStates, s))
	b, ok := c.bounds[at.Partition]
	if !ok {
		b = Bounds{Next: at.Offset, End: at.Offset + 1}
	}
	c.bounds[at.Partition] = Bounds{Next: min(b.Next, at.Offset), End: max(b.End, at.Offset+1)}
}

// of returns the state of an announcement; "" if it was not chosen.
func (c *choice) of(at Position) State {
	of, i := placeOf(at)
	states, ok := c.stretches[of]
	if !ok {
		return ""
	}
	return chosenStates[states[i]]
}
