package replay

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/events"
	"orak/internal/kafka"
)

// maxExamples bounds how many undecodable or refused records are named.
const maxExamples = 10

// Plan is what a replay would do. It holds for as long as nothing else
// changes; Run never does more than it allows.
type Plan struct {
	Selection Selection `json:"selection"`
	// Began is when the replay was first planned: runs that began later are
	// left alone.
	Began  time.Time        `json:"began"`
	Bounds map[int32]Bounds `json:"bounds"`
	// Records are those within the bounds and the times; First and Last are
	// the earliest and the latest of their timestamps.
	Records int       `json:"records"`
	First   time.Time `json:"first,omitzero"`
	Last    time.Time `json:"last,omitzero"`
	// States counts the uploads by where they stand, each once.
	States map[State]int `json:"states"`
	// Start counts those of them that would be started.
	Start map[State]int `json:"start"`
	// Repeats are further announcements of an upload; Skipped are events that
	// announce none.
	Repeats int `json:"repeats"`
	Skipped int `json:"skipped"`
	// Notifications are those of a bucket. An upload that nothing else
	// announces is among States; its recording is read when it is started.
	Notifications int `json:"notifications"`
	// Undecodable records are left where they are: the bridge has
	// dead-lettered them, or will. Examples names the first of them.
	Undecodable int      `json:"undecodable"`
	Examples    []Record `json:"examples,omitempty"`
	// Absent are the uploads of Selection.IDs that no record announced.
	Absent []orak.UploadID `json:"absent,omitempty"`
	// Ahead counts uploads that are missing because the live bridge has not
	// come to their records yet.
	Ahead int `json:"ahead"`
	// Warnings are sentences about what makes the plan doubtful.
	Warnings []string `json:"warnings,omitempty"`

	// before is what an interrupted replay had done already.
	before Result
	chosen map[int32]map[place]State
}

// place is where an upload is announced in a partition: the record, and in a
// notification the entry.
type place struct {
	offset int64
	entry  int
}

// Record names a record and what is wrong with it.
type Record struct {
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Error     string `json:"error"`
}

// Total is how many workflows would be started.
func (p *Plan) Total() int {
	n := 0
	for _, count := range p.Start {
		n += count
	}
	return n
}

// Done is what an interrupted replay had done before this plan.
func (p *Plan) Done() Result { return p.before }

// Plan reads what sel selects, up to where the topic ends now, and finds out
// where each upload stands. It changes nothing. progress may be nil.
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

// Resume plans what an interrupted replay left.
func (r *Replayer) Resume(ctx context.Context, saved Saved, progress Progress) (*Plan, error) {
	p := newPlan(saved.Selection, saved.Began)
	p.Bounds, p.before = maps.Clone(saved.Bounds), saved.Done
	adm, closeClient, err := r.admin()
	if err != nil {
		return nil, err
	}
	defer closeClient()
	if err := r.survey(ctx, adm, p, progress); err != nil {
		return nil, err
	}
	// Those that are not met here may have been met before.
	p.Absent = nil
	return p, nil
}

func newPlan(sel Selection, began time.Time) *Plan {
	return &Plan{
		Selection: sel, Began: began, Bounds: make(map[int32]Bounds),
		States: make(map[State]int), Start: make(map[State]int), chosen: make(map[int32]map[place]State),
	}
}

func (r *Replayer) admin() (*kadm.Client, func(), error) {
	cl, err := kafka.NewClient(r.deps.Kafka, r.deps.Log)
	if err != nil {
		return nil, nil, err
	}
	return kadm.NewClient(cl), cl.Close, nil
}

// bound asks Kafka where the selection begins and ends.
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
		bounded, cancel := context.WithTimeout(ctx, answerTimeout)
		defer cancel()
		if from, err = listed(adm.ListOffsetsAfterMilli(bounded, since.UnixMilli(), events.TopicUploads)); err != nil {
			return errUnreachable("Kafka does not tell the offsets.", fmt.Errorf("finding the offsets of a time: %w", err))
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

// survey reads the bounds and counts.
func (r *Replayer) survey(ctx context.Context, adm *kadm.Client, p *Plan, progress Progress) error {
	if err := r.reach(ctx); err != nil {
		return err
	}
	live, err := committed(ctx, adm, events.GroupBridge, events.TopicUploads)
	if err != nil {
		return err
	}
	s := r.surveyor(p, live)
	var total, done int64
	for _, b := range p.Bounds {
		total += b.left()
	}
	err = r.read(ctx, p.Bounds, func(records []*kgo.Record) error {
		done += int64(len(records))
		if progress != nil {
			progress(min(done, total), total)
		}
		return r.judge(ctx, s, s.sift(records))
	})
	if err != nil {
		return fmt.Errorf("planning replay: %w", err)
	}
	for some := range slices.Chunk(s.onlyNotified(), maxPoll) {
		if err := r.judge(ctx, s, some); err != nil {
			return fmt.Errorf("planning replay: %w", err)
		}
	}
	s.conclude()
	return r.doubt(ctx, p)
}

// judge counts uploads by where they stand.
func (r *Replayer) judge(ctx context.Context, s *surveyor, uploads []found) error {
	states, err := r.states(ctx, s.plan.Selection, uploads, s.plan.Began)
	if err != nil {
		return err
	}
	for i, f := range uploads {
		s.count(f, states[i])
	}
	return nil
}

// reach has the first word with Temporal: a client that was made without
// connecting learns then what the server can do.
func (r *Replayer) reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if _, err := r.deps.Temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return errUnreachable("Temporal cannot be reached.", fmt.Errorf("reaching Temporal: %w", err))
	}
	return nil
}

// doubt warns where Temporal may have forgotten what it once finished.
func (r *Replayer) doubt(ctx context.Context, p *Plan) error {
	if p.Start[Missing] == 0 {
		return nil
	}
	ns, err := r.deps.Temporal.WorkflowService().DescribeNamespace(ctx,
		&workflowservice.DescribeNamespaceRequest{Namespace: r.deps.Namespace})
	if err != nil {
		return errUnreachable("Temporal does not tell its retention.", fmt.Errorf("describing namespace: %w", err))
	}
	remembered := ns.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration()
	if p.Began.Sub(p.First) >= remembered {
		p.Warnings = append(p.Warnings, fmt.Sprintf(
			"Temporal forgets closed workflows after %s, and some records are older: uploads that count as missing may have been processed.", remembered))
	}
	return nil
}
