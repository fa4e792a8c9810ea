package replay

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/events"
	"orak/internal/kafka"
)

// maxExamples bounds the undecodable or refused records that are listed.
const maxExamples = 10

// Plan is what a replay would do. Run never does more, and less where uploads
// changed meanwhile.
type Plan struct {
	Selection Selection `json:"selection"`
	// Began is when the replay was first planned. Uploads whose latest run began
	// later are left alone.
	Began  time.Time        `json:"began"`
	Bounds map[int32]Bounds `json:"bounds"`
	// Records counts the records within the bounds and the selected times; First
	// and Last are their earliest and latest timestamp.
	Records int       `json:"records"`
	First   time.Time `json:"first,omitzero"`
	Last    time.Time `json:"last,omitzero"`
	// States counts the uploads by state, each upload once.
	States map[State]int `json:"states"`
	// Start counts the uploads that would be started, by state.
	Start map[State]int `json:"start"`
	// Repeats counts further announcements of an upload, Skipped events that
	// announce no upload.
	Repeats int `json:"repeats"`
	Skipped int `json:"skipped"`
	// Notifications counts the notifications of a bucket. An upload that only
	// they announce is counted in States; its recording is read when it is
	// started.
	Notifications int `json:"notifications"`
	// Undecodable counts records that are left where they are: the bridge has
	// dead-lettered them, or will. Examples lists the first of them.
	Undecodable int      `json:"undecodable"`
	Examples    []Record `json:"examples,omitempty"`
	// Absent are the uploads of Selection.IDs that no record announced.
	Absent []orak.UploadID `json:"absent,omitempty"`
	// Ahead counts missing uploads whose records the bridges have not read yet.
	Ahead int `json:"ahead"`
	// Warnings are sentences that say why the plan may be wrong.
	Warnings []string `json:"warnings,omitempty"`

	// done is what the interrupted replay did that this plan resumes.
	done Result
	// chosen has the announcements of the uploads to start, and their states.
	chosen *choice
	// unstarted means that only uploads without any run are looked for, and nothing
	// is told about the others.
	unstarted bool
}

// Record is a record that cannot be replayed, and why.
type Record struct {
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Error     string `json:"error"`
}

// Total returns how many workflows would be started.
func (p *Plan) Total() int {
	n := 0
	for _, count := range p.Start {
		n += count
	}
	return n
}

// Done returns what the interrupted replay did that this plan resumes.
func (p *Plan) Done() Result { return p.done }

// Plan reads what sel selects, up to the present end of the topic, and asks for
// the state of each upload. It changes nothing. progress may be nil.
func (r *Replayer) Plan(ctx context.Context, sel Selection, progress Progress) (*Plan, error) {
	if err := sel.Validate(); err != nil {
		return nil, fmt.Errorf("planning replay: %w", err)
	}
	p := newPlan(sel, time.Now().UTC())
	adm, closeClient, err := r.admin()
	if err != nil {
		return nil, err
	}
	defer closeClient()
	if err := p.bound(ctx, adm); err != nil {
		return nil, err
	}
	return p, r.survey(ctx, adm, p, progress)
}

// Resume plans the rest of an interrupted replay.
func (r *Replayer) Resume(ctx context.Context, saved Saved, progress Progress) (*Plan, error) {
	p := newPlan(saved.Selection, saved.Began)
	p.Bounds, p.done = maps.Clone(saved.Bounds), saved.Done
	adm, closeClient, err := r.admin()
	if err != nil {
		return nil, err
	}
	defer closeClient()
	if err := r.survey(ctx, adm, p, progress); err != nil {
		return nil, err
	}
	// Uploads that were not read now may have been read before.
	p.Absent = nil
	return p, nil
}

func newPlan(sel Selection, began time.Time) *Plan {
	return &Plan{
		Selection: sel, Began: began, Bounds: make(map[int32]Bounds),
		States: make(map[State]int), Start: make(map[State]int), chosen: newChoice(),
	}
}

func (r *Replayer) admin() (*kadm.Client, func(), error) {
	cl, err := kafka.NewClient(r.deps.Kafka, r.deps.Log)
	if err != nil {
		return nil, nil, err
	}
	return kadm.NewClient(cl), cl.Close, nil
}

// bound sets the bounds of the selection, within what Kafka retains.
func (p *Plan) bound(ctx context.Context, adm *kadm.Client) error {
	starts, ends, err := logBounds(ctx, adm, events.TopicUploads)
	if err != nil {
		return err
	}
	for partition := range p.Selection.Offsets {
		if _, ok := ends[partition]; !ok {
			return fmt.Errorf("partition %d: %s has only %d", partition, events.TopicUploads, len(ends))
		}
	}
	from := starts
	if since := p.Selection.Since; !since.IsZero() {
		if from, err = offsetsAt(ctx, adm, events.TopicUploads, since); err != nil {
			return err
		}
	}
	for partition, end := range ends {
		next := from[partition]
		if p.Selection.Offsets != nil {
			wanted, ok := p.Selection.Offsets[partition]
			if !ok {
				continue
			}
			next = wanted
		} else if p.Selection.From > 0 {
			next = p.Selection.From
		}
		p.Bounds[partition] = Bounds{Next: min(max(next, starts[partition]), end), End: end}
	}
	return nil
}

// survey reads the records within the bounds and fills in the plan.
func (r *Replayer) survey(ctx context.Context, adm *kadm.Client, p *Plan, progress Progress) error {
	if err := r.reach(ctx); err != nil {
		return err
	}
	live, err := committed(ctx, adm, events.GroupBridge, events.TopicUploads)
	if err != nil {
		return err
	}
	var total int64
	for _, b := range p.Bounds {
		total += b.left()
	}
	if most := r.deps.MaxRecords; most > 0 && total > most {
		return &TooManyError{Records: total, Most: most}
	}
	s := r.newSurveyor(p, live)
	defer s.spool.close()
	// Reading is half of the work, and judging the other.
	var read, judged int64
	tell := func() {
		if progress != nil {
			progress(min(read, total)/2+total*judged/max(2*int64(s.spool.n), 1), total)
		}
	}
	err = r.readUploads(ctx, p.Bounds, func(records []*kgo.Record) error {
		read += int64(len(records))
		tell()
		return s.sift(records)
	})
	if err == nil {
		err = s.judge(func(some []Announcement, gone map[withdrawal]bool) error {
			judged += int64(len(some))
			tell()
			return r.count(ctx, s, some, gone)
		})
	}
	if err != nil {
		return fmt.Errorf("planning replay: %w", err)
	}
	if progress != nil {
		progress(total, total)
	}
	s.conclude()
	return r.warnAboutRetention(ctx, p)
}

// TooManyError means that a selection has more records than Deps.MaxRecords.
type TooManyError struct{ Records, Most int64 }

// Error implements error.
func (e *TooManyError) Error() string {
	return fmt.Sprintf("%d records are selected, and at most %d are read", e.Records, e.Most)
}

// count adds uploads to the plan, by state.
func (r *Replayer) count(ctx context.Context, s *surveyor, uploads []Announcement, gone map[withdrawal]bool) error {
	states, err := r.states(ctx, s.plan, uploads)
	if err != nil {
		return err
	}
	for i, a := range uploads {
		s.count(a, states[i], gone[withdrawal{a.ID, a.Tenant}])
	}
	return nil
}

// reach makes the first health check: a lazy client loads the server's
// capabilities then.
func (r *Replayer) reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if _, err := r.deps.Temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return errUnreachable("Temporal cannot be reached.", fmt.Errorf("reaching Temporal: %w", err))
	}
	return nil
}

// warnAboutRetention adds a warning where Temporal may have deleted workflows
// that completed, and no outcome says so.
func (r *Replayer) warnAboutRetention(ctx context.Context, p *Plan) error {
	if p.Start[Missing] == 0 || r.deps.Outcomes != nil {
		return nil
	}
	ns, err := r.deps.Temporal.WorkflowService().DescribeNamespace(ctx,
		&workflowservice.DescribeNamespaceRequest{Namespace: r.deps.Namespace})
	if err != nil {
		return errUnreachable("Temporal does not return its retention.", fmt.Errorf("describing namespace: %w", err))
	}
	retention := ns.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration()
	if p.Began.Sub(p.First) >= retention {
		p.Warnings = append(p.Warnings, fmt.Sprintf(
			"Temporal deletes closed workflows after %s, and some records are older: uploads that count as missing may have been processed.", retention))
	}
	return nil
}
