package feed

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// topicID identifies a topic, by the first bytes of Kafka's id: offsets of a topic that
// was deleted and made anew mean something else.
type topicID [4]byte

// position is the next offset of each partition.
type position []int64

var errPosition = errors.New("not a position")

// maxPartitions bounds a position.
const maxPartitions = 1000

func (p position) encode(topic topicID) string {
	text := topic[:]
	for _, offset := range p {
		text = binary.AppendUvarint(text, uint64(offset))
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func decode(given string) (topic topicID, p position, err error) {
	text, err := base64.RawURLEncoding.DecodeString(given)
	if err != nil || len(text) < len(topic) {
		return topic, nil, errPosition
	}
	copy(topic[:], text)
	for text = text[len(topic):]; len(text) > 0; {
		offset, n := binary.Uvarint(text)
		if n <= 0 || int64(offset) < 0 || len(p) == maxPartitions {
			return topic, nil, errPosition
		}
		p, text = append(p, int64(offset)), text[n:]
	}
	return topic, p, nil
}

// behind returns how many records are between p and a later position of the same topic;
// ok is false if some of them are not there any more, or p is not of this topic.
func (p position) behind(start, now position) (records int64, ok bool) {
	if len(p) != len(now) {
		return 0, false
	}
	for i, offset := range p {
		if offset < start[i] || offset > now[i] {
			return 0, false
		}
		records += now[i] - offset
	}
	return records, true
}
