package reconcile_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/activities"
	"orak/events"
	"orak/internal/kafka"
	"orak/operate/reconcile"
	"orak/workflows"
)

// letters runs the step of the dead letters as a run would that began then, after one
// that left mark.
func (b *bundle) letters(every, minAge time.Duration, mark, began time.Time) (activities.ReconcileCounts, time.Time) {
	b.t.Helper()
	r := reconcile.New(minAge, reconcile.Deps{
		Replayer: b.replayer(), Temporal: b.temporal, Namespace: b.cfg.Temporal.Namespace, Letters: kafka.NewProducer(b.cl),
		Links: b.cfg.Temporal, LettersEvery: every, Log: quiet(),
	})
	text, err := json.Marshal(mark)
	require.NoError(b.t, err)
	done, err := r.Menders()[activities.StepLetters].Mend(b.ctx, activities.ReconcilePage{
		Step: activities.StepLetters, Size: 100, Mark: string(text), Began: began})
	require.NoError(b.t, err)
	require.Empty(b.t, done.Cursor)
	var next time.Time
	require.NoError(b.t, json.Unmarshal([]byte(done.Mark), &next))
	return done.Counts, next
}

// eras is an interval so long that no two times of a test have a multiple between them.
const eras = 200_000 * time.Hour

// A run reads what is new since the last one. What the marks cannot see, a letter that
// vanished, is found when all letters are compared.
func TestLettersReadWhatIsNew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.start()
	b.parked(newUpload())
	now := time.Now().UTC()
	counts, mark := b.letters(eras, 0, time.Time{}, now)
	require.Equal(t, activities.ReconcileCounts{Examined: 1, Rewritten: 1}, counts)
	require.Equal(t, now, mark)

	soon := now.Add(30 * time.Minute)
	counts, _ = b.letters(eras, 0, mark, soon)
	require.Equal(t, activities.ReconcileCounts{Examined: 2}, counts, "the upload and its letter are new")
	later := now.Add(3 * time.Hour)
	counts, mark = b.letters(eras, 0, now.Add(2*time.Hour), later)
	require.Equal(t, activities.ReconcileCounts{Examined: 1}, counts, "the letter is not read")
	require.Equal(t, later, mark)

	b.anew(events.TopicDeadLetters)
	counts, _ = b.letters(eras, 0, now.Add(2*time.Hour), later)
	require.Equal(t, activities.ReconcileCounts{Examined: 1}, counts)
	counts, _ = b.letters(time.Hour, 0, now.Add(2*time.Hour), later)
	require.Equal(t, activities.ReconcileCounts{Examined: 1, Rewritten: 1}, counts, "an hour has passed, so all are compared")
	b.anew(events.TopicDeadLetters)
	counts, _ = b.letters(0, 0, later, later)
	require.Equal(t, activities.ReconcileCounts{Examined: 1, Rewritten: 1}, counts, "every run compares all")
}

// An upload may be parked anew, in the same cycle, after its letter was written.
func TestLettersOlderThanTheMarkAreLookedForBeforeOneIsWritten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.start()
	now := time.Now().UTC().Truncate(time.Millisecond)
	first := now.Add(-5 * time.Hour)
	failure := orak.Failure{Stage: orak.StageConvert, Class: orak.ClassInput, Message: "Not a recording.", Attempts: 1, FirstAt: first, LastAt: first}
	lettered, letterless := newUpload(), newUpload()
	for _, u := range []orak.Upload{lettered, letterless} {
		b.park(orak.Progress{Upload: u, Status: orak.StatusDeadLettered, Stage: orak.StageConvert, UpdatedAt: now.Add(-time.Hour), Failure: &failure})
	}
	letter := events.DeadLetter{WorkflowID: workflows.UploadWorkflowID(lettered.ID), RunID: "r", FailedAt: first, Failure: failure,
		Origin: events.Origin{Topic: events.TopicUploads, Key: []byte(lettered.ID), Value: []byte("{}")}}
	rec := letter.Record()
	rec.Timestamp = first
	// Orak's own client would give it up as overdue.
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.Brokers...))
	require.NoError(t, err)
	defer cl.Close()
	require.NoError(t, cl.ProduceSync(b.ctx, rec).FirstErr())
	counts, _ := b.letters(eras, 0, now.Add(-time.Hour), now)
	require.Equal(t, activities.ReconcileCounts{Examined: 2, Rewritten: 1}, counts)
	require.Equal(t, map[orak.UploadID]reconcile.Kind{}, b.disagreements())
	require.Len(t, b.records(events.TopicDeadLetters), 2)
}

// The mark stays before an upload whose letter may still be on its way, so that it is
// looked at again however long that takes.
func TestLettersThatAreOnTheirWayHoldTheMark(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.start()
	p := b.parked(newUpload())
	counts, mark := b.letters(eras, 24*time.Hour, time.Time{}, time.Now())
	require.Equal(t, activities.ReconcileCounts{Examined: 1}, counts)
	require.Equal(t, p.UpdatedAt, mark)
	later := mark.Add(5 * time.Hour)
	_, mark = b.letters(eras, 24*time.Hour, mark, later)
	require.Equal(t, p.UpdatedAt, mark)
	counts, mark = b.letters(eras, 0, mark, later)
	require.Equal(t, activities.ReconcileCounts{Examined: 1, Rewritten: 1}, counts)
	require.Equal(t, later, mark)
}
