package accounts

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
func aftermath() ([]*Upload, *Seen) {
	fine, bad := Outcome{DurationS: 4}, Outcome{Class: orak.ClassInput}
	all := []*Upload{
		{Want: fine, Name: "0-tune.wav", ID: good},
		{Want: bad, Name: "1-cut.m4a", ID: poisoned, Keyed: true, Operate: Reprocess},
		{Want: Outcome{Refused: http.StatusUnsupportedMediaType}, Name: "2-letter.m4a"},
		{Want: fine, Name: "3-tune.wav", ID: erased, Operate: Erase},
	}
	failure := orak.Failure{Stage: orak.StageConvert, Class: orak.ClassInput}
	completed := Run{Status: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, Progress: orak.Progress{Status: orak.StatusCompleted}}
	analysis := orak.Analysis{Audio: orak.Audio{DurationS: 4.1}}
	return all, &Seen{
		Announced: map[orak.UploadID]string{good: "0-tune.wav", poisoned: "1-cut.m4a", unasked: "0-tune.wav", erased: "3-tune.wav"},
		offsets:   map[int32]offsets{0: {3, 3}},
		Events: map[orak.UploadID]map[events.Type]map[string]int{
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
		Letters: map[orak.UploadID][]events.DeadLetter{poisoned: {
			{RunID: "b", Cycle: 0, Failure: failure}, {RunID: "b", Cycle: 1, Failure: failure}, {RunID: "b", Cycle: 1, Failure: failure},
		}},
		Runs: map[orak.UploadID][]Run{
			good: {completed}, unasked: {completed},
			poisoned: {{Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, Progress: orak.Progress{Status: orak.StatusDeadLettered, Cycle: 1, Failure: &failure}}},
		},
		Recordings: map[orak.UploadID]bool{good: true, poisoned: true, unasked: true},
		Analyses:   map[orak.UploadID]orak.Analysis{good: analysis, unasked: analysis},
	}
}

func TestKeptPromisesAreReportedKept(t *testing.T) {
	t.Parallel()
	results := Check(aftermath())
	require.Zero(t, Broken(results), "%+v", results)
	for _, r := range results {
		require.Positive(t, r.Held, r.Promise)
	}
}

func TestBrokenPromisesAreReported(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(all []*Upload, s *Seen){
		"an upload is not found":      func(all []*Upload, _ *Seen) { all[0].Problem = "not found" },
		"a stranger is announced":     func(_ []*Upload, s *Seen) { s.Announced["x"] = "9-tune.wav" },
		"a repeat is an upload":       func(all []*Upload, s *Seen) { s.Announced["x"] = "1-cut.m4a" },
		"an upload is not announced":  func(_ []*Upload, s *Seen) { delete(s.Announced, good) },
		"a workflow is missing":       func(_ []*Upload, s *Seen) { delete(s.Runs, good) },
		"a workflow ran twice":        func(_ []*Upload, s *Seen) { s.Runs[good] = append(s.Runs[good], s.Runs[good][0]) },
		"an upload is stuck":          func(_ []*Upload, s *Seen) { s.Runs[good][0].Progress.Status = orak.StatusAnalyzing },
		"a workflow hangs":            func(_ []*Upload, s *Seen) { s.Runs[good][0].Status = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING },
		"a good one is given up":      func(_ []*Upload, s *Seen) { s.Runs[good][0].Progress.Status = orak.StatusDeadLettered },
		"a bad one is let through":    func(_ []*Upload, s *Seen) { s.Runs[poisoned][0].Progress.Status = orak.StatusCompleted },
		"the cause is not the true":   func(_ []*Upload, s *Seen) { s.Runs[poisoned][0].Progress.Failure.Class = orak.ClassTransient },
		"completed twice":             func(_ []*Upload, s *Seen) { s.Events[good][events.Completed]["a2"] = 1 },
		"never completed":             func(_ []*Upload, s *Seen) { delete(s.Events, good) },
		"no dead letter of a cycle":   func(_ []*Upload, s *Seen) { s.Letters[poisoned] = s.Letters[poisoned][:1] },
		"no event of a cycle":         func(_ []*Upload, s *Seen) { delete(s.Events[poisoned][events.DeadLettered], "b/1") },
		"a dead letter of a good one": func(_ []*Upload, s *Seen) { s.Letters[good] = s.Letters[poisoned][:1] },
		"a false dead letter":         func(_ []*Upload, s *Seen) { s.Letters[poisoned][0].Failure.Stage = orak.StageAnalyze },
		"not reprocessed":             func(_ []*Upload, s *Seen) { s.Runs[poisoned][0].Progress.Cycle = 0 },
		"no analysis":                 func(_ []*Upload, s *Seen) { delete(s.Analyses, good) },
		"an analysis of half of it":   func(_ []*Upload, s *Seen) { s.Analyses[good] = orak.Analysis{Audio: orak.Audio{DurationS: 2}} },
		"an analysis of a bad one":    func(_ []*Upload, s *Seen) { s.Analyses[poisoned] = orak.Analysis{} },
		"a record is not committed":   func(_ []*Upload, s *Seen) { s.offsets[0] = offsets{2, 3} },
		"something erased is left":    func(_ []*Upload, s *Seen) { s.Recordings[erased] = true },
		"no tombstone":                func(_ []*Upload, s *Seen) { delete(s.tombstones, erased) },
		"erased by nobody":            func(_ []*Upload, s *Seen) { s.Events[good][events.Erased] = map[string]int{"x": 1} },
		"an erasure is not announced": func(_ []*Upload, s *Seen) { delete(s.Events[erased], events.Erased) },
		"not in the index":            func(_ []*Upload, s *Seen) { delete(s.indexed, good) },
		"in the index as it was":      func(_ []*Upload, s *Seen) { s.indexed[good][0] = orak.StatusAnalyzing },
		"in the index twice":          func(_ []*Upload, s *Seen) { s.indexed[good] = append(s.indexed[good], s.indexed[good][0]) },
		"in the index, and erased":    func(_ []*Upload, s *Seen) { s.indexed[erased] = []orak.Status{orak.StatusCompleted} },
		"in the index from nowhere":   func(_ []*Upload, s *Seen) { s.indexed["x"] = []orak.Status{orak.StatusCompleted} },
		"an event is not in the lake": func(_ []*Upload, s *Seen) { delete(s.lake, place{0, 1}) },
		"an event is there twice":     func(_ []*Upload, s *Seen) { s.lake[place{0, 1}] = 2 },
		"a row comes from nowhere":    func(_ []*Upload, s *Seen) { s.lake[place{7, 1}] = 1 },
		"a marker stays":              func(_ []*Upload, s *Seen) { s.Pending = []string{"pending/default/x.json"} },
		"a recording is forgotten":    func(_ []*Upload, s *Seen) { s.Recordings["x"] = true },
	} {
		all, s := aftermath()
		damage(all, s)
		require.Positive(t, Broken(Check(all, s)), name)
	}
}

// restored is what is seen after all servers were lost and brought back: two uploads,
// both with their result.
func restored() ([]*Upload, *Seen) {
	all := []*Upload{{Name: "0-tune.wav", ID: good}, {Name: "1-tune.wav", ID: unasked}}
	_, s := aftermath()
	delete(s.Runs, poisoned)
	return all, &Seen{
		Announced: map[orak.UploadID]string{good: "0-tune.wav", unasked: "1-tune.wav"}, offsets: s.offsets, Events: s.Events, Runs: s.Runs,
		indexed: s.indexed, Analyses: s.Analyses, Outcomes: map[orak.UploadID]bool{good: true, unasked: true},
	}
}

func TestRestoredUploadsHaveTheirResultOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		damage func(*Seen)
		gone   Gone
		broken int
	}{
		"nothing":          {func(*Seen) {}, Gone{}, 0},
		"no outcome":       {func(s *Seen) { delete(s.Outcomes, good) }, Gone{Workflows: true, Records: true}, 1},
		"no analysis":      {func(s *Seen) { delete(s.Analyses, good) }, Gone{Workflows: true, Records: true}, 1},
		"two ends":         {func(s *Seen) { s.Events[good][events.Completed]["a2"] = 1 }, Gone{Workflows: true, Records: true}, 1},
		"two workflows":    {func(s *Seen) { s.Runs[good] = append(s.Runs[good], s.Runs[good][0]) }, Gone{Workflows: true}, 1},
		"not in the index": {func(s *Seen) { delete(s.indexed, good) }, Gone{Workflows: true, Records: true}, 1},
		"run again": {func(s *Seen) {
			s.Runs[good] = append(s.Runs[good], s.Runs[good][0])
			s.Events[good][events.Completed]["a2"] = 1
		}, Gone{Rerun: true}, 0},
		"a workflow is missing":          {func(s *Seen) { delete(s.Runs, good) }, Gone{}, 1},
		"a workflow that was forgotten":  {func(s *Seen) { delete(s.Runs, good) }, Gone{Workflows: true}, 0},
		"never announced":                {func(s *Seen) { delete(s.Announced, good) }, Gone{}, 1},
		"announced where it was lost":    {func(s *Seen) { delete(s.Announced, good) }, Gone{Announcements: true}, 0},
		"never completed":                {func(s *Seen) { delete(s.Events, good) }, Gone{Announcements: true}, 1},
		"announced before Kafka was new": {func(s *Seen) { delete(s.Announced, good); delete(s.Events, good) }, Gone{Records: true}, 0},
		"a marker stays":                 {func(s *Seen) { s.Pending = []string{"pending/x"} }, Gone{Workflows: true, Records: true}, 1},
	} {
		all, s := restored()
		c.damage(s)
		results := CheckRestored(all, s, c.gone)
		require.Equal(t, c.broken, Broken(results), "%s: %+v", name, results)
	}
}
