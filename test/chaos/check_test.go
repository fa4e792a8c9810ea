package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"orak"
	"orak/events"
)

const (
	good     = orak.UploadID("0195a2b4-7c3d-7e8f-9a0b-00000000000a")
	poisoned = orak.UploadID("0195a2b4-7c3d-7e8f-9a0b-00000000000b")
	unasked  = orak.UploadID("0195a2b4-7c3d-7e8f-9a0b-00000000000c")
	erased   = orak.UploadID("0195a2b4-7c3d-7e8f-9a0b-00000000000d")
)

// aftermath is a run of which every promise was held: a good upload, one that
// is poisoned and was reprocessed, one that was refused, one whose answer was lost,
// and one that was erased.
func aftermath() ([]*sending, *seen) {
	fine := recording{kind: "tune.wav", want: outcome{DurationS: 4}}
	bad := recording{kind: "cut.m4a", want: outcome{Class: orak.ClassInput}}
	all := []*sending{
		{recording: fine, name: "0-tune.wav", id: good},
		{recording: bad, name: "1-cut.m4a", id: poisoned, keyed: true, operate: operateReprocess},
		{recording: recording{kind: "letter.m4a", want: outcome{Refused: http.StatusUnsupportedMediaType}}, name: "2-letter.m4a"},
		{recording: fine, name: "3-tune.wav", id: erased, operate: operateErase},
	}
	failure := orak.Failure{Stage: orak.StageConvert, Class: orak.ClassInput}
	completed := execution{status: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, progress: orak.Progress{Status: orak.StatusCompleted}}
	analysis := orak.Analysis{Audio: orak.Audio{DurationS: 4.1}}
	return all, &seen{
		announced: map[orak.UploadID]string{good: "0-tune.wav", poisoned: "1-cut.m4a", unasked: "0-tune.wav", erased: "3-tune.wav"},
		offsets:   map[int32]offsets{0: {3, 3}},
		events: map[orak.UploadID]map[events.Type]map[string]int{
			good:     {events.Completed: {"a": 1}},
			poisoned: {events.DeadLettered: {"b/0": 1, "b/1": 2}},
			unasked:  {events.Completed: {"c": 2}},
			erased:   {events.Completed: {"d": 1}, events.Erased: {"d2": 2}},
		},
		lifecycle: map[place]orak.UploadID{{0, 1}: good, {0, 2}: erased, {3, 1}: unasked},
		lake:      map[place]int{{0, 1}: 1, {3, 1}: 1},
		indexed: map[orak.UploadID][]orak.Status{
			good: {orak.StatusCompleted}, unasked: {orak.StatusCompleted}, poisoned: {orak.StatusDeadLettered},
		},
		tombstones: map[orak.UploadID]bool{erased: true},
		letters: map[orak.UploadID][]events.DeadLetter{poisoned: {
			{RunID: "b", Cycle: 0, Failure: failure}, {RunID: "b", Cycle: 1, Failure: failure}, {RunID: "b", Cycle: 1, Failure: failure},
		}},
		runs: map[orak.UploadID][]execution{
			good: {completed}, unasked: {completed},
			poisoned: {{status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, progress: orak.Progress{Status: orak.StatusDeadLettered, Cycle: 1, Failure: &failure}}},
		},
		recordings: map[orak.UploadID]bool{good: true, poisoned: true, unasked: true},
		analyses:   map[orak.UploadID]orak.Analysis{good: analysis, unasked: analysis},
	}
}

func TestKeptPromisesAreReportedKept(t *testing.T) {
	t.Parallel()
	results := check(aftermath())
	require.Zero(t, broken(results), "%+v", results)
	for _, r := range results {
		require.Positive(t, r.Held, r.Promise)
	}
}

func TestBrokenPromisesAreReported(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(all []*sending, s *seen){
		"an upload is not found":      func(all []*sending, _ *seen) { all[0].problem = "not found" },
		"a stranger is announced":     func(_ []*sending, s *seen) { s.announced["x"] = "9-tune.wav" },
		"a repeat is an upload":       func(all []*sending, s *seen) { s.announced["x"] = "1-cut.m4a" },
		"an upload is not announced":  func(_ []*sending, s *seen) { delete(s.announced, good) },
		"a workflow is missing":       func(_ []*sending, s *seen) { delete(s.runs, good) },
		"a workflow ran twice":        func(_ []*sending, s *seen) { s.runs[good] = append(s.runs[good], s.runs[good][0]) },
		"an upload is stuck":          func(_ []*sending, s *seen) { s.runs[good][0].progress.Status = orak.StatusAnalyzing },
		"a workflow hangs":            func(_ []*sending, s *seen) { s.runs[good][0].status = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING },
		"a good one is given up":      func(_ []*sending, s *seen) { s.runs[good][0].progress.Status = orak.StatusDeadLettered },
		"a bad one is let through":    func(_ []*sending, s *seen) { s.runs[poisoned][0].progress.Status = orak.StatusCompleted },
		"the cause is not the true":   func(_ []*sending, s *seen) { s.runs[poisoned][0].progress.Failure.Class = orak.ClassTransient },
		"completed twice":             func(_ []*sending, s *seen) { s.events[good][events.Completed]["a2"] = 1 },
		"never completed":             func(_ []*sending, s *seen) { delete(s.events, good) },
		"no dead letter of a cycle":   func(_ []*sending, s *seen) { s.letters[poisoned] = s.letters[poisoned][:1] },
		"no event of a cycle":         func(_ []*sending, s *seen) { delete(s.events[poisoned][events.DeadLettered], "b/1") },
		"a dead letter of a good one": func(_ []*sending, s *seen) { s.letters[good] = s.letters[poisoned][:1] },
		"a false dead letter":         func(_ []*sending, s *seen) { s.letters[poisoned][0].Failure.Stage = orak.StageAnalyze },
		"not reprocessed":             func(_ []*sending, s *seen) { s.runs[poisoned][0].progress.Cycle = 0 },
		"no analysis":                 func(_ []*sending, s *seen) { delete(s.analyses, good) },
		"an analysis of half of it":   func(_ []*sending, s *seen) { s.analyses[good] = orak.Analysis{Audio: orak.Audio{DurationS: 2}} },
		"an analysis of a bad one":    func(_ []*sending, s *seen) { s.analyses[poisoned] = orak.Analysis{} },
		"a record is not committed":   func(_ []*sending, s *seen) { s.offsets[0] = offsets{2, 3} },
		"something erased is left":    func(_ []*sending, s *seen) { s.recordings[erased] = true },
		"no tombstone":                func(_ []*sending, s *seen) { delete(s.tombstones, erased) },
		"erased by nobody":            func(_ []*sending, s *seen) { s.events[good][events.Erased] = map[string]int{"x": 1} },
		"an erasure is not announced": func(_ []*sending, s *seen) { delete(s.events[erased], events.Erased) },
		"not in the index":            func(_ []*sending, s *seen) { delete(s.indexed, good) },
		"in the index as it was":      func(_ []*sending, s *seen) { s.indexed[good][0] = orak.StatusAnalyzing },
		"in the index twice":          func(_ []*sending, s *seen) { s.indexed[good] = append(s.indexed[good], s.indexed[good][0]) },
		"in the index, and erased":    func(_ []*sending, s *seen) { s.indexed[erased] = []orak.Status{orak.StatusCompleted} },
		"in the index from nowhere":   func(_ []*sending, s *seen) { s.indexed["x"] = []orak.Status{orak.StatusCompleted} },
		"an event is not in the lake": func(_ []*sending, s *seen) { delete(s.lake, place{0, 1}) },
		"an event is there twice":     func(_ []*sending, s *seen) { s.lake[place{0, 1}] = 2 },
		"a row comes from nowhere":    func(_ []*sending, s *seen) { s.lake[place{7, 1}] = 1 },
		"a marker stays":              func(_ []*sending, s *seen) { s.pending = []string{"pending/default/x.json"} },
		"a recording is forgotten":    func(_ []*sending, s *seen) { s.recordings["x"] = true },
	} {
		all, s := aftermath()
		damage(all, s)
		require.Positive(t, broken(check(all, s)), name)
	}
}

func TestUploadsFollowFromTheSeedAndHaveEveryKind(t *testing.T) {
	t.Parallel()
	kinds := []recording{{kind: "a.wav", weight: 10}, {kind: "b.wav", weight: 1}, {kind: "c.wav", weight: 1}}
	first := uploads(3, kinds, 30, shortDuration)
	require.Equal(t, first, uploads(3, kinds, 30, shortDuration))
	names, seen := map[string]bool{}, map[string]bool{}
	for _, s := range first {
		names[s.name], seen[s.kind] = true, true
	}
	require.Len(t, names, len(first))
	require.Len(t, seen, len(kinds))
}
