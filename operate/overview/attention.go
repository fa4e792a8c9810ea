package overview

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"orak"
	"orak/api/resource"
	"orak/operate/lag"
	"orak/operate/reconcile"
	"orak/workflows"
)

const (
	// stuckAfter is Overview.stuckAfter.
	stuckAfter = time.Hour
	// agedAfter is the age of a backlog that is reported before it can be judged.
	agedAfter = 5 * time.Minute
	// maxStuck is Overview.mostStuck: it bounds the uploads that are looked at, and maxNamed those that are named.
	maxStuck = 1000
	maxNamed = 10
)

// Attention returns what needs a person, except dead letters and webhooks. t restricts
// it to what concerns a tenant, or everyone.
func (o *Overview) Attention(ctx context.Context, t orak.Tenant) resource.Attention {
	parts := []struct {
		name       string
		dependency orak.Dependency
		find       func(context.Context, orak.Tenant) ([]resource.AttentionItem, error)
	}{
		{"outages", orak.DependencyTemporal, o.outageItems},
		{"lag", orak.DependencyKafka, o.lagItems},
		{"stuck", orak.DependencyTemporal, o.stuckItems},
		{"reconcile", orak.DependencyTemporal, o.reconcileItems},
		{"workflow_tasks", orak.DependencyTemporal, o.failingItems},
	}
	found := make([][]resource.AttentionItem, len(parts))
	errs := make([]error, len(parts))
	var group sync.WaitGroup
	for i, part := range parts {
		group.Go(func() { found[i], errs[i] = part.find(ctx, t) })
	}
	group.Wait()
	answer := resource.Attention{Items: slices.Concat(found...), CheckedAt: now()}
	for i, part := range parts {
		o.reads.Report(ctx, errs[i], "a part of what needs a person cannot be read", "part", part.name)
		if errs[i] != nil {
			answer.Unavailable = append(answer.Unavailable, resource.Unavailable{Part: part.name, Dependency: string(part.dependency)})
		}
	}
	return answer
}

func (o *Overview) outageItems(ctx context.Context, t orak.Tenant) ([]resource.AttentionItem, error) {
	outages, err := o.Outages(ctx, t)
	var items []resource.AttentionItem
	for _, out := range outages.Open {
		severity := resource.SeverityWarning
		if out.Posted {
			severity = resource.SeverityCritical
		}
		detail := fmt.Sprintf("%s failed because of it.", plural(out.Count, "attempt"))
		if out.Cause != "" {
			detail += " Last error: " + out.Cause
		}
		items = append(items, resource.AttentionItem{
			Kind: resource.AttentionOutage, Severity: severity, Subject: out.Dependency, Count: out.Count, Since: out.BeganAt,
			Detail: detail, Dependency: out.Dependency,
		})
	}
	return items, err
}

func (o *Overview) lagItems(ctx context.Context, _ orak.Tenant) ([]resource.AttentionItem, error) {
	found, err := o.Lag(ctx)
	if err != nil {
		return nil, err
	}
	var items []resource.AttentionItem
	for _, g := range found.Groups {
		if item, bad := o.lagItem(g, found.At); bad {
			items = append(items, item)
		}
	}
	return items, nil
}

// lagItem returns the item of a group that is in ERROR or WARN, that cannot be read, or
// whose backlog is old and cannot be judged yet. A group that does not exist needs
// nobody.
func (o *Overview) lagItem(g resource.LagGroup, at time.Time) (item resource.AttentionItem, bad bool) {
	item = resource.AttentionItem{Kind: resource.AttentionLag, Severity: resource.SeverityWarning, Subject: g.Group, Group: g.Group, Count: g.Lag}
	aged := g.Seconds != nil && time.Duration(*g.Seconds*float64(time.Second)) > max(agedAfter, o.watch.rules.Of(g.Group).Age)
	if g.Seconds != nil && g.Lag > 0 {
		item.Since = at.Add(-time.Duration(*g.Seconds * float64(time.Second)))
	}
	switch status := lag.Status(g.Status); {
	case g.Error == lag.ErrNoGroup.Error():
		return item, false
	case status == lag.StatusError: // on one cluster, even if it cannot be read on another
		item.Severity = resource.SeverityCritical
		item.Detail = fmt.Sprintf("%s, and the group does not move in %s.", waiting(g.Lag), moveless(g))
	case g.Error != "":
		item.Detail = "The group cannot be read: " + g.Error
	case status == lag.StatusWarn:
		item.Detail = waiting(g.Lag) + ", and there are not fewer of them."
	case status == lag.StatusUnknown && aged:
		item.Detail = waiting(g.Lag) + ". Whether the group moves is not known before it was watched for a minute."
	default:
		return item, false
	}
	return item, true
}

// moveless names the partitions that are in error, by status.
func moveless(g resource.LagGroup) string {
	var places []string
	for _, p := range g.Partitions {
		if lag.Status(p.Status).Bad() {
			places = append(places, fmt.Sprintf("%s/%d (%s)", p.Topic, p.Partition, p.Status))
		}
	}
	if more := len(places) - maxNamed; more > 0 {
		places = append(places[:maxNamed], fmt.Sprintf("%d more", more))
	}
	return strings.Join(places, ", ")
}

// stuckUploads are uploads that have kept one status for long. There may be others
// unless all were looked at.
type stuckUploads struct {
	count int64
	all   bool
	since time.Time
	some  []orak.UploadID
}

// errTooMany means that of more uploads than are looked at the first need nobody, so that
// it is not known whether others do.
var errTooMany = errors.New("there are more uploads in progress for more than an hour than are looked at")

// findStuck looks at the uploads of t that began long ago. One that was
// reprocessed began earlier: its memo says when its status changed.
func (o *Overview) findStuck(ctx context.Context, t orak.Tenant) (stuckUploads, error) {
	before := now().Add(-o.stuckAfter)
	var found stuckUploads
	query := runningQuery(t) + fmt.Sprintf(" AND StartTime < '%s'", before.Format(time.RFC3339))
	all, err := o.eachUpload(ctx, query, o.mostStuck, func(info *executionInfo) {
		p, ok := o.deps.Payloads.Progress(info)
		at := p.UpdatedAt
		if !ok {
			at = info.GetStartTime().AsTime()
		}
		if !at.Before(before) {
			return
		}
		found.count++
		if found.since.IsZero() || at.Before(found.since) {
			found.since = at
		}
		if id := p.Upload.ID; ok && len(found.some) < maxNamed {
			found.some = append(found.some, id)
		}
	})
	if err == nil && !all && found.count == 0 {
		err = errTooMany
	}
	found.all = all
	return found, err
}

func (o *Overview) stuckItems(ctx context.Context, t orak.Tenant) ([]resource.AttentionItem, error) {
	found, err := o.stuck.Get(ctx, t)
	if err != nil || found.count == 0 {
		return nil, err
	}
	return []resource.AttentionItem{{
		Kind: resource.AttentionStuck, Severity: resource.SeverityWarning, Subject: "uploads", Count: found.count, AtLeast: !found.all, Since: found.since, Uploads: found.some,
		Detail: counted(found.count, found.all, "upload") + " kept the same status for more than an hour.",
	}}, nil
}

// reconcileItems reports a last reconciliation that could not repair everything. It is
// for every tenant.
func (o *Overview) reconcileItems(ctx context.Context, _ orak.Tenant) ([]resource.AttentionItem, error) {
	found, err := o.Reconciliations(ctx, lastRuns)
	if err != nil {
		return nil, err
	}
	for _, run := range found.Runs {
		if run.Status == "running" {
			continue
		}
		return reconcileItem(run), nil
	}
	return nil, nil
}

// lastRuns is how many reconciliations are asked for: the last one may run.
const lastRuns = 3

func reconcileItem(run resource.Reconciliation) []resource.AttentionItem {
	var stuck, failed int
	for _, step := range run.Steps {
		stuck += step.Stuck
		failed += step.Errors
	}
	var said []string
	if run.Status != reconcile.StatusCompleted {
		said = append(said, "The last reconciliation is "+run.Status+".")
	}
	if len(run.GaveUp) > 0 {
		said = append(said, "It gave up: "+strings.Join(run.GaveUp, ", ")+".")
	}
	if failed > 0 {
		said = append(said, fmt.Sprintf("%s could not be examined or repaired.", plural(int64(failed), "item")))
	}
	if stuck > 0 {
		said = append(said, fmt.Sprintf("%s restarted too often and parked.", plural(int64(stuck), "upload")))
	}
	if len(said) == 0 {
		return nil
	}
	return []resource.AttentionItem{{
		Kind: resource.AttentionStuck, Severity: resource.SeverityWarning, Subject: "reconcile", Count: int64(stuck + failed), Since: run.BeganAt,
		Detail: strings.Join(said, " "),
	}}
}

// failingWorkflows are open workflows whose workflow task fails.
type failingWorkflows struct {
	count int64
	all   bool
	some  []orak.UploadID
	first string
}

// findFailing finds the failing workflows of t; for every tenant also those that have
// none.
func (o *Overview) findFailing(ctx context.Context, t orak.Tenant) (failingWorkflows, error) {
	var found failingWorkflows
	all, err := o.eachUpload(ctx, ofTenant(reconcile.FailingQuery, t), o.mostStuck, func(info *executionInfo) {
		found.count++
		id := info.GetExecution().GetWorkflowId()
		found.first = cmp.Or(found.first, id)
		upload, ok := strings.CutPrefix(id, workflows.UploadWorkflowID(""))
		if ok && len(found.some) < maxNamed {
			found.some = append(found.some, orak.UploadID(upload))
		}
	})
	found.all = all
	return found, err
}

func (o *Overview) failingItems(ctx context.Context, t orak.Tenant) ([]resource.AttentionItem, error) {
	found, err := o.failing.Get(ctx, t)
	if err != nil || found.count == 0 {
		return nil, err
	}
	return []resource.AttentionItem{{
		Kind: resource.AttentionWorkflowTasks, Severity: resource.SeverityCritical, Subject: found.first, Count: found.count, AtLeast: !found.all, Uploads: found.some,
		Detail: fmt.Sprintf("%s cannot continue: the workflow task fails, and waits for a worker with other code.", counted(found.count, found.all, "workflow")),
	}}, nil
}

func waiting(records int64) string {
	if records == 1 {
		return "1 record waits"
	}
	return fmt.Sprintf("%d records wait", records)
}

// counted is plural at the beginning of a sentence, of a count that may be too low.
func counted(n int64, all bool, noun string) string {
	if all {
		return plural(n, noun)
	}
	return "At least " + plural(n, noun)
}

func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
