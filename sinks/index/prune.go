package index

import (
	"context"
	"time"
)

// How often old acts are removed, and how many by one transaction: other writers of the
// database wait for one only.
const (
	pruneEvery = time.Hour
	pruneBatch = 1000
)

// prune removes the acts that are older than Config.KeepActs, at once and then every hour,
// until ctx ends. Members of the group may do so at the same time.
func (x *Index) prune(ctx context.Context) {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		err := x.pruneBefore(ctx, time.Now().Add(-x.cfg.KeepActs))
		x.pruning.Report(ctx, err, "old acts cannot be removed from the index")
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// pruneBefore removes the acts before then, a batch at a time.
func (x *Index) pruneBefore(ctx context.Context, then time.Time) error {
	removed := 0
	defer func() {
		if removed > 0 {
			x.deps.Log.InfoContext(ctx, "removed old acts from the index, as audit-retention says", "acts", removed, "before", then)
		}
	}()
	for {
		n, err := x.pruneSome(ctx, then)
		removed += n
		x.metrics.pruned.Add(float64(n))
		if err != nil || n < pruneBatch {
			return err
		}
	}
}

func (x *Index) pruneSome(ctx context.Context, then time.Time) (removed int, err error) {
	ctx, cancel := context.WithTimeout(ctx, x.cfg.WriteTimeout)
	defer cancel()
	return x.deps.Store.PruneActs(ctx, then, pruneBatch)
}
