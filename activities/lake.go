package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"orak"
)

// LakePage says what one call of a LakeCompactor examines.
type LakePage struct {
	// Cursor is from the previous page; empty for the first page.
	Cursor string `json:"cursor,omitempty"`
	// Since is when the last run that finished began: what that run has seen is not
	// read again. Zero for the first run.
	Since time.Time `json:"since,omitzero"`
	// Began is when this run began, by the clock of its workflow.
	Began time.Time `json:"began"`
}

// LakePageDone is the result of a page.
type LakePageDone struct {
	Counts LakeCounts `json:"counts"`
	// Cursor is for the next page; empty after the last one.
	Cursor string `json:"cursor,omitempty"`
}

// LakeCounts counts the files of the lake by what became of them.
type LakeCounts struct {
	// Examined are all files.
	Examined int `json:"examined"`
	// Compacted are the files that were put, and Replaced those that they replace.
	Compacted int `json:"compacted"`
	Replaced  int `json:"replaced"`
	// Removed are replaced files that no query reads any more.
	Removed int `json:"removed"`
	// ErasedRows are the rows of erased uploads that were left out.
	ErasedRows int64 `json:"erased_rows"`
}

// Plus returns the sum of c and d.
func (c LakeCounts) Plus(d LakeCounts) LakeCounts {
	c.Examined += d.Examined
	c.Compacted += d.Compacted
	c.Replaced += d.Replaced
	c.Removed += d.Removed
	c.ErasedRows += d.ErasedRows
	return c
}

// LakeCompactor compacts the files of the lake and removes the rows of erased
// uploads, page by page. A page may be repeated.
type LakeCompactor interface {
	Compact(ctx context.Context, p LakePage) (LakePageDone, error)
}

// CompactLakePage compacts one page of the lake.
func (a *Activities) CompactLakePage(ctx context.Context, p LakePage) (LakePageDone, error) {
	if a.deps.Lake == nil {
		// A newer or differently configured worker may have one.
		return LakePageDone{}, &orak.Fault{Class: orak.ClassInternal, Message: "This worker does not compact the lake."}
	}
	beats := startHeartbeats(ctx, Heartbeat{}, activity.GetInfo(ctx).HeartbeatTimeout)
	done, err := a.deps.Lake.Compact(ctx, p)
	beats.stop()
	if err != nil {
		return LakePageDone{}, fmt.Errorf("compacting the lake: %w", err)
	}
	return done, nil
}
