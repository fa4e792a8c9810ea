package overview

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"orak/api/resource"
	"orak/internal/kafka"
	"orak/operate/lag"
)

// Elsewhere is another cluster than the main one that groups read.
type Elsewhere struct {
	Name  string
	Kafka kafka.Config
	// Groups are those that read it.
	Groups []string
	// Away reports whether the cluster does not answer and nothing needs it: it is not asked
	// then. It may be nil.
	Away func() bool
}

// elsewhereWithin bounds one look at another cluster: the answer about the main one does
// not wait long for it.
const elsewhereWithin = 3 * time.Second

// reader looks at the groups of a cluster.
type reader struct {
	Elsewhere
	sampler *lag.Sampler
	board   *lag.Board
}

func newReaders(all []Elsewhere, rules lag.Rules, log *slog.Logger) ([]*reader, error) {
	var readers []*reader
	for _, e := range all {
		e.Kafka.ClientID += "-overview"
		sampler, err := lag.NewSampler(e.Kafka, log)
		if err != nil {
			closeReaders(readers)
			return nil, err
		}
		readers = append(readers, &reader{Elsewhere: e, sampler: sampler, board: lag.NewBoard(rules)})
	}
	return readers, nil
}

func closeReaders(all []*reader) {
	for _, r := range all {
		r.sampler.Close()
	}
}

// lookElsewhere returns what the groups do on each other cluster.
func lookElsewhere(ctx context.Context, readers []*reader) [][]resource.LagGroup {
	found := make([][]resource.LagGroup, len(readers))
	var looking sync.WaitGroup
	for i, r := range readers {
		looking.Go(func() { found[i] = r.look(ctx) })
	}
	looking.Wait()
	return found
}

// look returns the groups of a cluster, each with an error if that cannot be asked.
func (r *reader) look(ctx context.Context) []resource.LagGroup {
	if r.Away != nil && r.Away() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, elsewhereWithin)
	defer cancel()
	looks, err := r.sampler.Look(ctx, r.Groups...)
	if err != nil {
		return r.failed(err)
	}
	r.board.Add(looks)
	var groups []resource.LagGroup
	for _, report := range r.board.Reports() {
		if errors.Is(report.Err, lag.ErrNoGroup) {
			continue
		}
		g := groupResource(report)
		if g.Error != "" {
			g.Error = r.Name + ": " + g.Error
		}
		for i := range g.Partitions {
			g.Partitions[i].Topic += "@" + r.Name
		}
		groups = append(groups, g)
	}
	return groups
}

func (r *reader) failed(err error) []resource.LagGroup {
	var groups []resource.LagGroup
	for _, name := range r.Groups {
		groups = append(groups, resource.LagGroup{
			Group: name, Status: string(lag.StatusUnknown), Partitions: []resource.LagPartition{}, Error: r.Name + ": " + err.Error(),
		})
	}
	return groups
}

// joined returns the groups of all clusters, each once: with the sum of its lags and members,
// its worst status and the age of its oldest record.
func joined(all ...[]resource.LagGroup) []resource.LagGroup {
	groups := []resource.LagGroup{}
	for _, g := range slices.Concat(all...) {
		i := slices.IndexFunc(groups, func(have resource.LagGroup) bool { return have.Group == g.Group })
		if i < 0 {
			groups = append(groups, g)
			continue
		}
		groups[i] = join(groups[i], g)
	}
	slices.SortFunc(groups, func(x, y resource.LagGroup) int { return strings.Compare(x.Group, y.Group) })
	return groups
}

func join(x, y resource.LagGroup) resource.LagGroup {
	if x.Error == lag.ErrNoGroup.Error() { // it is on the other cluster only
		return y
	}
	x.Lag, x.Members = x.Lag+y.Lag, x.Members+y.Members
	x.Partitions = append(slices.Clone(x.Partitions), y.Partitions...)
	if lag.Status(y.Status).Code() > lag.Status(x.Status).Code() {
		x.Status, x.State = y.Status, y.State
	}
	switch {
	case x.Seconds == nil || y.Seconds == nil:
		x.Seconds = nil
	case *y.Seconds > *x.Seconds:
		x.Seconds = y.Seconds
	}
	if x.Error == "" {
		x.Error = y.Error
	}
	return x
}
