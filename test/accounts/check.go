package accounts

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	enumspb "go.temporal.io/api/enums/v1"

	"orak"
	"orak/events"
)

// Result is the check of one promise.
type Result struct {
	Promise string `json:"promise"`
	// Held is the number of things for which it holds.
	Held int `json:"held"`
	// Broken names the things for which it does not, and how.
	Broken []string `json:"broken,omitempty"`
}

// Hold notes one thing.
func (r *Result) Hold(ok bool, format string, args ...any) {
	if ok {
		r.Held++
		return
	}
	r.Broken = append(r.Broken, fmt.Sprintf(format, args...))
}

// expected is the outcome that an accepted upload must have.
type expected struct {
	name    string
	operate string
	Outcome
}

// Check compares the promises with what was seen after all uploads were sent.
func Check(all []*Upload, s *Seen) []Result {
	answered, want := answers202(all, s)
	results := []Result{answered}
	for _, promise := range []func(map[orak.UploadID]expected, *Seen) Result{
		announced, oneWorkflow, outcomes, completedOnce, deadLetters, analyses, erasures, inIndex, inLake,
	} {
		results = append(results, promise(want, s))
	}
	return append(results, contiguous(s), outboxEmpty(s), nothingForgotten(s))
}

// Gone says what was lost for good and is therefore not expected: what is there must
// still be right.
type Gone struct {
	// Workflows: Temporal has forgotten what had ended, and what it has began anew.
	Workflows bool
	// Announcements: the cluster with orak.uploads was lost, and no other topic with it.
	Announcements bool
	// Records: the topics have been made anew, and the lake with them.
	Records bool
	// Rerun: uploads that had ended were run again, since their results were lost, and so
	// have an end of the next cycle, too.
	Rerun bool
}

// CheckRestored compares the promises that hold after a server was lost and brought
// back: every upload has its result, once.
func CheckRestored(all []*Upload, s *Seen, gone Gone) []Result {
	answered, want := answers202(all, s)
	promises := []func(map[orak.UploadID]expected, *Seen) Result{ended, analyses, inIndexCompleted}
	if !gone.Records && !gone.Announcements {
		promises = append(promises, announced)
	}
	if !gone.Records {
		promises = append(promises, inLake)
	}
	if !gone.Records && !gone.Rerun {
		promises = append(promises, completedOnce)
	}
	switch {
	case gone.Rerun:
	case gone.Workflows:
		promises = append(promises, oneEndAtMost, oneWorkflowAtMost)
	default:
		promises = append(promises, oneEndAtMost, oneWorkflow)
	}
	results := []Result{answered}
	for _, promise := range promises {
		results = append(results, promise(want, s))
	}
	return append(results, contiguous(s), outboxEmpty(s))
}

// ended looks at the store, which keeps how an upload ended whatever else is lost.
func ended(want map[orak.UploadID]expected, s *Seen) Result {
	r := Result{Promise: "every upload has its outcome"}
	for id, w := range sorted(want) {
		r.Hold(s.Outcomes[id], "%s %s has none", id, w.name)
	}
	return r
}

func oneEndAtMost(want map[orak.UploadID]expected, s *Seen) Result {
	r := Result{Promise: "no upload has two completed events"}
	for id, w := range sorted(want) {
		ends := len(s.Events[id][events.Completed])
		r.Hold(ends <= 1, "%s %s has %d", id, w.name, ends)
	}
	return r
}

func oneWorkflowAtMost(want map[orak.UploadID]expected, s *Seen) Result {
	r := Result{Promise: "no upload has two workflows"}
	for id, w := range sorted(want) {
		r.Hold(len(s.Runs[id]) <= 1, "%s %s has %d", id, w.name, len(s.Runs[id]))
	}
	return r
}

// answers202 reports the apps' own complaints, and collects the expected outcome
// of each upload: of those that were answered, and of those whose answer was lost
// on the way to an app that sent no key.
func answers202(all []*Upload, s *Seen) (Result, map[orak.UploadID]expected) {
	r := Result{Promise: "every app has its answer, and can read its upload"}
	want, byName := map[orak.UploadID]expected{}, map[string]*Upload{}
	for _, one := range all {
		r.Hold(one.Problem == "", "%s: %s", one.Name, one.Problem)
		byName[one.Name] = one
		if one.ID != "" {
			want[one.ID] = expected{one.Name, one.Operate, one.Want}
		}
	}
	for id, name := range s.Announced {
		if _, known := want[id]; known {
			continue
		}
		one := byName[name]
		if one == nil || one.Keyed || one.Want.Refused != 0 {
			r.Hold(false, "%s (%q) was announced, and no app sent it", id, name)
			continue
		}
		want[id] = expected{name: name, Outcome: one.Want}
	}
	return r, want
}

func announced(want map[orak.UploadID]expected, s *Seen) Result {
	r := Result{Promise: "every accepted upload is on orak.uploads"}
	for id, w := range sorted(want) {
		_, ok := s.Announced[id]
		r.Hold(ok, "%s %s", id, w.name)
	}
	return r
}

func oneWorkflow(want map[orak.UploadID]expected, s *Seen) Result {
	r := Result{Promise: "every upload has one workflow"}
	for id, w := range sorted(want) {
		if w.operate != Erase { // its workflow may be removed
			r.Hold(len(s.Runs[id]) == 1, "%s %s has %d", id, w.name, len(s.Runs[id]))
		}
	}
	for id := range s.Runs {
		if _, ok := want[id]; !ok {
			r.Hold(false, "%s has a workflow, and was never announced", id)
		}
	}
	return r
}

// outcomes compares the end of each upload with what its recording should give.
func outcomes(want map[orak.UploadID]expected, s *Seen) Result {
	r := Result{Promise: "every upload is completed, or dead-lettered with its true cause"}
	for id, w := range sorted(want) {
		if len(s.Runs[id]) != 1 || w.operate == Erase {
			continue
		}
		run := s.Runs[id][0]
		p := run.Progress
		if w.Completes() {
			r.Hold(p.Status == orak.StatusCompleted && run.Status == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED,
				"%s %s is %s (workflow %s): %+v", id, w.name, p.Status, run.Status, p.Failure)
			continue
		}
		status, open := orak.StatusDeadLettered, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
		if w.operate == Discard {
			status, open = orak.StatusDiscarded, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
		}
		r.Hold(p.Status == status && run.Status == open && w.isCause(p.Failure),
			"%s %s is %s (workflow %s), want %s: %+v", id, w.name, p.Status, run.Status, status, p.Failure)
	}
	return r
}

// isCause reports whether a failure names what is wrong with the recording.
// All faults of recordings are found when they are converted.
func (w expected) isCause(f *orak.Failure) bool {
	return f != nil && f.Stage == orak.StageConvert && f.Class == w.Class && (w.Attempts == 0 || f.Attempts == w.Attempts)
}

func completedOnce(want map[orak.UploadID]expected, s *Seen) Result {
	r := Result{Promise: "a completed upload has one completed event, the others none"}
	for id, w := range sorted(want) {
		n := 0
		if w.Completes() {
			n = 1
		}
		ids := slices.Sorted(maps.Keys(s.Events[id][events.Completed]))
		r.Hold(len(ids) == n, "%s %s has %d: %v", id, w.name, len(ids), ids)
	}
	return r
}

// deadLetters counts records that differ: a worker that dies after it has
// written one writes it again, and consumers recognize it by run and cycle.
func deadLetters(want map[orak.UploadID]expected, s *Seen) Result {
	r := Result{Promise: "each cycle of a dead-lettered upload has its dead letter and its event, others none"}
	for id, w := range sorted(want) {
		cycles := 0
		if w.Class != "" && len(s.Runs[id]) == 1 {
			cycles = s.Runs[id][0].Progress.Cycle
			r.Hold(w.operate != Reprocess || cycles > 0, "%s %s was not reprocessed", id, w.name)
			if !w.Fixed {
				cycles++ // the last one ended with a dead letter, too
			}
		}
		letters := map[string]bool{}
		for _, l := range s.Letters[id] {
			letters[fmt.Sprint(l.RunID, "/", l.Cycle)] = true
			if !w.isCause(&l.Failure) {
				r.Hold(false, "%s %s has a dead letter of another cause: %+v", id, w.name, l.Failure)
			}
		}
		published := len(s.Events[id][events.DeadLettered])
		r.Hold(len(letters) == cycles && published == cycles, "%s %s has %d dead letters and %d events, want %d", id, w.name, len(letters), published, cycles)
	}
	return r
}

// tolerance of a duration, in seconds: encoders pad.
const tolerance = 0.2

func analyses(want map[orak.UploadID]expected, s *Seen) Result {
	r := Result{Promise: "a completed upload has its analysis, of the whole recording"}
	for id, w := range sorted(want) {
		found, ok := s.Analyses[id]
		if w.operate == Erase {
			continue
		}
		if !w.Completes() {
			r.Hold(!ok, "%s %s has an analysis, and was dead-lettered", id, w.name)
			continue
		}
		d := found.Audio.DurationS
		right := d > 0 && (w.DurationS == 0 || math.Abs(d-w.DurationS) <= tolerance)
		r.Hold(ok && right, "%s %s: analysis %t, of %.1f s, want %.1f s", id, w.name, ok, d, w.DurationS)
	}
	return r
}

func erasures(want map[orak.UploadID]expected, s *Seen) Result {
	r := Result{Promise: "nothing is left of an erased upload but its tombstone, and one event says so"}
	for id, w := range sorted(want) {
		n := 0
		if w.operate == Erase {
			n = 1
			_, analyzed := s.Analyses[id]
			r.Hold(!s.Recordings[id] && !analyzed && s.tombstones[id], "%s %s: recording %t, analysis %t, tombstone %t", id, w.name, s.Recordings[id], analyzed, s.tombstones[id])
		}
		published := len(s.Events[id][events.Erased])
		r.Hold(published == n, "%s %s has %d events, want %d", id, w.name, published, n)
	}
	return r
}

func contiguous(s *Seen) Result {
	r := Result{Promise: "the bridges have committed every record of orak.uploads"}
	for partition, o := range s.offsets {
		r.Hold(o.committed == o.end, "partition %d: committed %d, end %d", partition, o.committed, o.end)
	}
	return r
}

func outboxEmpty(s *Seen) Result {
	r := Result{Promise: "the outbox is empty", Held: 1}
	for _, key := range s.Pending {
		r.Hold(false, "%s", key)
	}
	if len(r.Broken) > 0 {
		r.Held = 0
	}
	return r
}

func nothingForgotten(s *Seen) Result {
	r := Result{Promise: "every stored recording has a workflow"}
	for id := range s.Recordings {
		r.Hold(len(s.Runs[id]) > 0, "%s", id)
	}
	return r
}

// sorted iterates over uploads in the order of their names.
func sorted(want map[orak.UploadID]expected) func(func(orak.UploadID, expected) bool) {
	ids := slices.SortedFunc(maps.Keys(want), func(a, b orak.UploadID) int {
		if want[a].name != want[b].name {
			if want[a].name < want[b].name {
				return -1
			}
			return 1
		}
		return slices.Compare([]byte(a), []byte(b))
	})
	return func(yield func(orak.UploadID, expected) bool) {
		for _, id := range ids {
			if !yield(id, want[id]) {
				return
			}
		}
	}
}

// Broken counts the broken promises' things.
func Broken(results []Result) int {
	n := 0
	for _, r := range results {
		n += len(r.Broken)
	}
	return n
}

// Example returns one broken thing, with its promise.
func Example(results []Result) string {
	for _, r := range results {
		if len(r.Broken) > 0 {
			return fmt.Sprintf("%q: %s", r.Promise, r.Broken[0])
		}
	}
	return "nothing"
}

// maxShown bounds the broken things that Print shows of one promise.
const maxShown = 12

// Print writes a line for each promise, and some of what is broken.
func Print(w io.Writer, results []Result) {
	for _, one := range results {
		if len(one.Broken) == 0 {
			fmt.Fprintf(w, "ok    %s (%d)\n", one.Promise, one.Held)
			continue
		}
		fmt.Fprintf(w, "FAIL  %s: broken for %d, holds for %d\n", one.Promise, len(one.Broken), one.Held)
		for _, what := range one.Broken[:min(len(one.Broken), maxShown)] {
			fmt.Fprintf(w, "        %s\n", what)
		}
	}
}
