package overview

import (
	"context"
	"fmt"
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
	behind := make(map[string]*resource.LagGroup)
	found, err := o.Lag(ctx)
	if err != nil {
		o.log.WarnContext(ctx, "the lag of the sinks cannot be read", "error", err)
		answer.Unavailable = append(answer.Unavailable, resource.Unavailable{Part: "lag", Dependency: string(orak.DependencyKafka)})
	}
	for _, g := range found.Groups {
		behind[g.Group] = &g
	}
	index := resource.Sink{Name: "index", Group: events.GroupIndex, Lag: behind[events.GroupIndex], Written: []resource.SinkTable{}}
	if o.deps.Index != nil {
		if up, err := o.indexing.Get(ctx, struct{}{}); err == nil {
			index.Reachable = &up
		}
	}
	files := resource.Sink{Name: "lake", Group: events.GroupLake, Lag: behind[events.GroupLake], Written: []resource.SinkTable{}}
	if o.deps.Lake != nil {
		tables, err := o.tables.Get(ctx, struct{}{})
		if err != nil {
			o.log.WarnContext(ctx, "the files of the lake cannot be listed", "error", err)
			answer.Unavailable = append(answer.Unavailable, resource.Unavailable{Part: "lake", Dependency: string(orak.DependencyStore)})
		} else {
			files.Written = tables
		}
	}
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
