package overview

import (
	"context"
	"fmt"
	"sync"
	"time"

	"orak"
	"orak/api/resource"
	"orak/events"
	"orak/sinks/lake"
)

// maxListed bounds the files of a table's day that are listed.
const maxListed = 1000

// Sinks returns where the index, the lake and the webhooks stand.
func (o *Overview) Sinks(ctx context.Context) (resource.Sinks, error) {
	answer := resource.Sinks{CheckedAt: now()}
	// At once, so that the answer takes as long as the slowest.
	var reading sync.WaitGroup
	var found resource.Lag
	var lagging, listing error
	var reachable *bool
	tables := []resource.SinkTable{}
	reading.Go(func() { found, lagging = o.Lag(ctx) })
	if o.deps.Index != nil {
		reading.Go(func() {
			if up, err := o.indexing.Get(ctx, struct{}{}); err == nil {
				reachable = &up
			}
		})
	}
	if o.deps.Lake != nil {
		reading.Go(func() { tables, listing = o.tables.Get(ctx, struct{}{}) })
	}
	reading.Wait()
	o.reads.Report(ctx, lagging, "the lag of the sinks cannot be read")
	if lagging != nil {
		answer.Unavailable = append(answer.Unavailable, resource.Unavailable{Part: "lag", Dependency: string(orak.DependencyKafka)})
	}
	o.reads.Report(ctx, listing, "the files of the lake cannot be listed")
	if listing != nil {
		answer.Unavailable = append(answer.Unavailable, resource.Unavailable{Part: "lake", Dependency: string(orak.DependencyStore)})
		tables = []resource.SinkTable{}
	}
	behind := make(map[string]*resource.LagGroup)
	for _, g := range found.Groups {
		behind[g.Group] = &g
	}
	index := resource.Sink{Name: "index", Group: events.GroupIndex, Lag: behind[events.GroupIndex], Reachable: reachable, Written: []resource.SinkTable{}}
	files := resource.Sink{Name: "lake", Group: events.GroupLake, Lag: behind[events.GroupLake], Written: tables}
	hooks := resource.Sink{Name: "webhooks", Group: events.GroupWebhooks, Lag: behind[events.GroupWebhooks], Written: []resource.SinkTable{}}
	answer.Sinks = []resource.Sink{index, files, hooks}
	return answer, nil
}

// lakeTables returns the file of each table that was written last.
func (o *Overview) lakeTables(ctx context.Context) ([]resource.SinkTable, error) {
	var tables []resource.SinkTable
	at := now()
	for _, table := range lake.Tables() {
		shown := resource.SinkTable{Table: string(table)}
		today, files, err := o.lastFile(ctx, table, at)
		if err != nil {
			return nil, err
		}
		shown.Files = files
		if today.Key == "" {
			if today, _, err = o.lastFile(ctx, table, at.Add(-24*time.Hour)); err != nil {
				return nil, err
			}
		}
		if today.Key != "" {
			shown.Object, shown.Size, shown.At = today.Key, today.Size, today.ModifiedAt.UTC()
			shown.AgeSeconds = max(0, at.Sub(today.ModifiedAt).Seconds())
		}
		tables = append(tables, shown)
	}
	return tables, nil
}

// lastFile returns the file of a table's day that was written last, of those that are
// listed, and how many there are.
func (o *Overview) lastFile(ctx context.Context, table lake.Table, day time.Time) (last lake.Object, files int, err error) {
	for file, err := range o.deps.Lake.List(ctx, lake.Folder(table, day), "") {
		if err != nil {
			return lake.Object{}, 0, fmt.Errorf("listing the files of the table %s: %w", table, err)
		}
		files++
		if file.ModifiedAt.After(last.ModifiedAt) {
			last = file
		}
		if files == maxListed {
			break
		}
	}
	return last, files, nil
}
