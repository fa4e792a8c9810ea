package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"

	"orak"
	"orak/events"
	"orak/internal/objectstore"
	"orak/workflows"
)

// Seen is the content of the servers, read from outside.
type Seen struct {
	// Announced are the uploads on orak.uploads, with their file names.
	Announced map[orak.UploadID]string
	// offsets are the bridges' offsets, by partition of orak.uploads.
	offsets map[int32]offsets
	// Events are the event ids on orak.lifecycle, by upload and type, with their
	// counts.
	Events map[orak.UploadID]map[events.Type]map[string]int
	// Completed has when each upload was completed, as its first event says.
	Completed map[orak.UploadID]time.Time
	// lifecycle has the upload of each record on orak.lifecycle, and lake the number
	// of rows for each.
	lifecycle map[place]orak.UploadID
	lake      map[place]int
	// indexed are the statuses of each upload in the index.
	indexed map[orak.UploadID][]orak.Status
	// Letters are the records on orak.dead-letters, by upload.
	Letters map[orak.UploadID][]events.DeadLetter
	// Runs are the workflows of each upload.
	Runs map[orak.UploadID][]Run
	// Pending are the keys of the outbox of all tenants; Recordings, Analyses, Outcomes
	// and tombstones of erased uploads are what is stored.
	Pending    []string
	tombstones map[orak.UploadID]bool
	Recordings map[orak.UploadID]bool
	Analyses   map[orak.UploadID]orak.Analysis
	Outcomes   map[orak.UploadID]bool
}

// place is where a record is in a topic.
type place struct {
	partition int32
	offset    int64
}

// offsets are the position of a group in a partition.
type offsets struct{ committed, end int64 }

// Run is one run of ProcessUpload.
type Run struct {
	ID       string
	Status   enumspb.WorkflowExecutionStatus
	Progress orak.Progress
}

// Reader reads the servers.
type Reader struct {
	kafka    *kgo.Client
	admin    *kadm.Client
	temporal temporal.Client
	store    *objectstore.Store
	brokers  []string
	tenant   orak.Tenant
	app      *App
}

// Open returns a Reader of what the tenant of at has on the servers. It must be closed.
func Open(at Addresses) (*Reader, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(at.Kafka...))
	if err != nil {
		return nil, fmt.Errorf("connecting to Kafka: %w", err)
	}
	t, err := temporal.NewLazyClient(temporal.Options{HostPort: at.Temporal, Logger: silent{}})
	if err != nil {
		return nil, fmt.Errorf("connecting to Temporal: %w", err)
	}
	store, err := objectstore.New(objectstore.Config{Endpoint: at.S3, Bucket: bucket, Region: "us-east-1", AccessKey: at.AccessKey, SecretKey: at.SecretKey})
	if err != nil {
		return nil, fmt.Errorf("connecting to the store: %w", err)
	}
	return &Reader{kafka: cl, admin: kadm.NewClient(cl), temporal: t, store: store, brokers: at.Kafka, tenant: at.Tenant, app: NewApp(at)}, nil
}

const bucket = "orak"

// Close ends its connections.
func (e *Reader) Close() {
	e.kafka.Close()
	e.temporal.Close()
	e.store.Close()
}

// silent drops the log of the Temporal client: outages are intended here.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

// Look reads everything.
func (e *Reader) Look(ctx context.Context) (*Seen, error) {
	s := &Seen{
		Announced: map[orak.UploadID]string{}, Events: map[orak.UploadID]map[events.Type]map[string]int{},
		lifecycle: map[place]orak.UploadID{}, Completed: map[orak.UploadID]time.Time{}, Letters: map[orak.UploadID][]events.DeadLetter{}, Recordings: map[orak.UploadID]bool{}, tombstones: map[orak.UploadID]bool{}, Analyses: map[orak.UploadID]orak.Analysis{},
		Outcomes: map[orak.UploadID]bool{},
	}
	var err error
	if s.offsets, err = e.offsets(ctx); err != nil {
		return nil, err
	}
	for topic, note := range map[string]func(*kgo.Record) error{
		events.TopicUploads: e.noteUpload(s), events.TopicLifecycle: e.noteEvent(s), events.TopicDeadLetters: s.noteLetter,
	} {
		if err := e.read(ctx, topic, note); err != nil {
			return nil, err
		}
	}
	if s.Runs, err = e.runs(ctx); err != nil {
		return nil, err
	}
	if s.indexed, err = e.indexed(ctx); err != nil {
		return nil, err
	}
	if s.lake, err = e.lake(ctx); err != nil {
		return nil, err
	}
	return s, e.objects(ctx, s)
}

// offsets reads the offsets of the bridges.
func (e *Reader) offsets(ctx context.Context) (map[int32]offsets, error) {
	ends, err := e.admin.ListEndOffsets(ctx, events.TopicUploads)
	if err != nil {
		return nil, fmt.Errorf("asking for the ends of %s: %w", events.TopicUploads, err)
	}
	commits, err := e.admin.FetchOffsets(ctx, events.GroupBridge)
	if err != nil {
		return nil, fmt.Errorf("asking for the offsets of the bridges: %w", err)
	}
	found := map[int32]offsets{}
	for partition, end := range ends[events.TopicUploads] {
		o := offsets{end: end.Offset}
		if c, ok := commits.Lookup(events.TopicUploads, partition); ok {
			o.committed = c.At
		}
		found[partition] = o
	}
	return found, nil
}

// read passes each record of a topic on, up to its present end.
func (e *Reader) read(ctx context.Context, topic string, note func(*kgo.Record) error) error {
	ends, err := e.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return fmt.Errorf("asking for the ends of %s: %w", topic, err)
	}
	left := map[int32]int64{}
	for partition, end := range ends[topic] {
		if end.Offset > 0 {
			left[partition] = end.Offset
		}
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(e.brokers...), kgo.ConsumeTopics(topic), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return fmt.Errorf("connecting to Kafka: %w", err)
	}
	defer cl.Close()
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return fmt.Errorf("reading %s: %w", topic, ctx.Err())
		}
		for r := range fetches.RecordsAll() {
			if err := note(r); err != nil {
				return fmt.Errorf("record %d of partition %d of %s: %w", r.Offset, r.Partition, topic, err)
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		}
	}
	return nil
}

func (e *Reader) noteUpload(s *Seen) func(*kgo.Record) error {
	return func(r *kgo.Record) error {
		// Anybody may write there what cannot be read. An upload of ours would be missed.
		event, err := events.FromRecord(r)
		if err != nil || event.Type != events.UploadReceived {
			return nil
		}
		if received, err := event.Received(); err == nil && received.Tenant == e.tenant {
			s.Announced[event.Subject] = received.Filename
		}
		return nil
	}
}

func (e *Reader) noteEvent(s *Seen) func(*kgo.Record) error {
	return func(r *kgo.Record) error {
		event, err := events.FromRecord(r)
		if err != nil {
			return err
		}
		l, err := event.Lifecycle()
		if err == nil && l.Upload.Tenant == e.tenant {
			s.lifecycle[place{r.Partition, r.Offset}] = event.Subject
			s.noteEvent(event)
		}
		return err
	}
}

func (s *Seen) noteEvent(e events.Event) {
	types := s.Events[e.Subject]
	if types == nil {
		types = map[events.Type]map[string]int{}
		s.Events[e.Subject] = types
	}
	if types[e.Type] == nil {
		types[e.Type] = map[string]int{}
	}
	types[e.Type][e.ID]++
	if at, known := s.Completed[e.Subject]; e.Type == events.Completed && (!known || e.Time.Before(at)) {
		s.Completed[e.Subject] = e.Time
	}
}

func (s *Seen) noteLetter(r *kgo.Record) error {
	letter, err := events.DeadLetterFrom(r)
	id := orak.UploadID(r.Key)
	s.Letters[id] = append(s.Letters[id], letter)
	return err
}

// runs lists the workflows of all uploads of the tenant that Temporal has.
func (e *Reader) runs(ctx context.Context) (map[orak.UploadID][]Run, error) {
	found := map[orak.UploadID][]Run{}
	query := fmt.Sprintf("WorkflowType = '%s' AND %s = '%s'", workflows.TypeProcessUpload, workflows.AttrTenant.GetName(), e.tenant)
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: query, PageSize: 500}
	for {
		page, err := e.temporal.ListWorkflow(ctx, request)
		if err != nil {
			return nil, fmt.Errorf("listing workflows: %w", err)
		}
		for _, x := range page.Executions {
			r, err := runOf(x)
			if err != nil {
				return nil, err
			}
			id := orak.UploadID(strings.TrimPrefix(x.Execution.WorkflowId, workflows.UploadWorkflowID("")))
			// A run that ends meanwhile may be on two pages.
			if !slices.ContainsFunc(found[id], func(known Run) bool { return known.ID == r.ID }) {
				found[id] = append(found[id], r)
			}
		}
		if request.NextPageToken = page.NextPageToken; len(page.NextPageToken) == 0 {
			return found, nil
		}
	}
}

func runOf(x *workflowpb.WorkflowExecutionInfo) (Run, error) {
	r := Run{ID: x.Execution.RunId, Status: x.Status}
	if x.GetMemo().GetFields()[workflows.MemoProgress] == nil {
		return r, nil
	}
	var ok bool
	if r.Progress, ok = (workflows.Payloads{}).Progress(x); !ok {
		return Run{}, fmt.Errorf("the progress of %s cannot be decoded", x.Execution.WorkflowId)
	}
	return r, nil
}

// objects reads what is stored.
func (e *Reader) objects(ctx context.Context, s *Seen) error {
	for info, err := range e.store.List(ctx, orak.PendingPrefix) {
		if err != nil {
			return fmt.Errorf("listing the outbox: %w", err)
		}
		s.Pending = append(s.Pending, info.Key)
	}
	for info, err := range e.store.List(ctx, "erased/"+string(e.tenant)+"/") {
		if err != nil {
			return fmt.Errorf("listing the tombstones: %w", err)
		}
		s.tombstones[orak.UploadID(strings.TrimSuffix(path.Base(info.Key), ".json"))] = true
	}
	for info, err := range e.store.List(ctx, "uploads/"+string(e.tenant)+"/") {
		if err != nil {
			return fmt.Errorf("listing the uploads: %w", err)
		}
		parts := strings.Split(info.Key, "/")
		if len(parts) != 4 {
			return fmt.Errorf("listing the uploads: unexpected key %s", info.Key)
		}
		id := orak.UploadID(parts[2])
		switch info.Key {
		case orak.OriginalKey(orak.Tenant(parts[1]), id):
			s.Recordings[id] = true
		case orak.OutcomeKey(orak.Tenant(parts[1]), id):
			s.Outcomes[id] = true
		case orak.AnalysisKey(orak.Tenant(parts[1]), id):
			a, err := e.analysis(ctx, info.Key)
			if err != nil {
				return err
			}
			s.Analyses[id] = a
		}
	}
	return nil
}

func (e *Reader) analysis(ctx context.Context, key string) (a orak.Analysis, err error) {
	body, _, err := e.store.Get(ctx, key)
	if err != nil {
		return a, fmt.Errorf("reading %s: %w", key, err)
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(&a); err != nil {
		return a, fmt.Errorf("reading %s: %w", key, err)
	}
	return a, nil
}

// Statuses counts the workflows by the status of their upload.
func (s *Seen) Statuses() map[orak.Status]int {
	counts := map[orak.Status]int{}
	for _, runs := range s.Runs {
		for _, x := range runs {
			counts[x.Progress.Status]++
		}
	}
	return counts
}

// Await returns once wanted accepts the counts of uploads by status.
func (e *Reader) Await(ctx context.Context, wanted func(map[orak.Status]int) bool) (map[orak.Status]int, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		runs, err := e.runs(ctx)
		if err != nil {
			return nil, err
		}
		if counts := (&Seen{Runs: runs}).Statuses(); wanted(counts) {
			return counts, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

// Pending lists the uploads of the tenant that wait in the outbox.
func (e *Reader) Pending(ctx context.Context) (map[orak.UploadID]bool, error) {
	waiting := map[orak.UploadID]bool{}
	for info, err := range e.store.List(ctx, orak.PendingPrefix+string(e.tenant)+"/") {
		if err != nil {
			return nil, fmt.Errorf("listing the outbox: %w", err)
		}
		if _, id, ok := orak.ParsePendingKey(info.Key); ok {
			waiting[id] = true
		}
	}
	return waiting, nil
}
