package replay

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"orak"
)

// State is the state of an upload, as far as it matters to a replay.
type State string

// The states of an upload.
const (
	// Missing: Temporal knows no workflow of the upload.
	Missing State = "missing"
	// Failed: the workflow failed, timed out or was terminated.
	Failed State = "failed"
	// Running: the workflow is open and not parked.
	Running State = "running"
	// Parked: the workflow is open and waits for a decision about a dead letter.
	Parked State = "parked"
	// Completed: the workflow completed.
	Completed State = "completed"
	// Withdrawn: the upload was canceled or discarded.
	Withdrawn State = "withdrawn"
	// Erased: the upload was erased or is being erased.
	Erased State = "erased"
)

// Selection selects what is replayed. Since excludes Offsets and From; without
// them the whole retained topic is read.
type Selection struct {
	// Since and Until bound the records' timestamps: from Since up to, but not
	// including, Until. Zero means no bound.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Offsets has the first offset to read by partition; other partitions are not
	// read. Nil means all partitions.
	Offsets map[int32]int64 `json:"offsets,omitempty"`
	// From is the first offset of every partition, where Offsets is nil.
	From int64 `json:"from,omitempty"`
	// IDs restricts the replay to these uploads; empty means all.
	IDs []orak.UploadID `json:"ids,omitempty"`
	// Only are the states to replay: Missing, Failed or both.
	Only []State `json:"only"`
	// Force replays completed uploads as well, and withdrawn ones that are in
	// IDs.
	Force bool `json:"force,omitempty"`
}

// Validate returns an error for the first field that is invalid.
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

// wants reports whether an upload in this state is replayed.
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

// covers reports whether a record with this timestamp is selected. Timestamps
// need not rise with the offsets.
func (s Selection) covers(t time.Time) bool {
	return (s.Since.IsZero() || !t.Before(s.Since)) && (s.Until.IsZero() || t.Before(s.Until))
}
