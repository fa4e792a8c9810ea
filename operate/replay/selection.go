package replay

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"orak"
)

// State says where an upload stands, as far as a replay is concerned.
type State string

// The states of an upload.
const (
	// Missing: Temporal knows no workflow of it.
	Missing State = "missing"
	// Failed: its workflow failed, timed out or was terminated.
	Failed State = "failed"
	// Running: its workflow is open and at work.
	Running State = "running"
	// Parked: its workflow is open and waits for a decision about a dead
	// letter.
	Parked State = "parked"
	// Completed: its workflow reached its end.
	Completed State = "completed"
	// Withdrawn: somebody canceled or discarded it.
	Withdrawn State = "withdrawn"
	// Erased: everything that was stored of it is gone, or is about to be.
	Erased State = "erased"
)

// Selection says what is replayed. Since and Offsets exclude one another;
// without either the whole retained topic is read.
type Selection struct {
	// Since and Until bound the records' timestamps: from Since on, and
	// before Until. Zero means without bound.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Offsets are the first offset by partition; partitions that are not in
	// it are not read. Nil means all of all.
	Offsets map[int32]int64 `json:"offsets,omitempty"`
	// From is the first offset of every partition, where Offsets is nil.
	From int64 `json:"from,omitempty"`
	// IDs are the only uploads that are looked at; empty means all.
	IDs []orak.UploadID `json:"ids,omitempty"`
	// Only are the states that are replayed: Missing, Failed or both.
	Only []State `json:"only"`
	// Force replays completed uploads as well, and withdrawn ones that IDs
	// names.
	Force bool `json:"force,omitempty"`
}

// Validate reports the first thing that makes no sense.
func (s Selection) Validate() error {
	if !s.Since.IsZero() && (s.Offsets != nil || s.From != 0) {
		return errors.New("a time and an offset to begin with: want one of them")
	}
	if !s.Until.IsZero() && !s.Since.Before(s.Until) {
		return errors.New("the end is not after the beginning")
	}
	if s.From < 0 {
		return fmt.Errorf("offset %d: want 0 or more", s.From)
	}
	for p, o := range s.Offsets {
		if o < 0 || p < 0 {
			return fmt.Errorf("offset %d:%d: want 0 or more", p, o)
		}
	}
	if len(s.Only) == 0 && !s.Force {
		return errors.New("nothing is selected: want missing, failed or both")
	}
	for _, state := range s.Only {
		if state != Missing && state != Failed {
			return fmt.Errorf("%q cannot be selected: want %s or %s", state, Missing, Failed)
		}
	}
	return nil
}

// wants reports whether an upload that is in this state is replayed.
func (s Selection) wants(state State) bool {
	switch state {
	case Missing, Failed:
		return slices.Contains(s.Only, state)
	case Completed:
		return s.Force
	case Withdrawn:
		return s.Force && len(s.IDs) > 0
	default:
		return false
	}
}

// covers reports whether a record of this time is looked at. Timestamps need
// not rise with the offsets.
func (s Selection) covers(t time.Time) bool {
	return (s.Since.IsZero() || !t.Before(s.Since)) && (s.Until.IsZero() || t.Before(s.Until))
}
