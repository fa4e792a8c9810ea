package control_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"orak"
	"orak/control"
	"orak/events"
)

func transactional() []kgo.Opt {
	return []kgo.Opt{kgo.TransactionalID(control.TransactionalID), kgo.RecordPartitioner(kgo.ManualPartitioner())}
}

func settingRecord(name, value string, version int) *kgo.Record {
	return &kgo.Record{Topic: events.TopicControl, Key: []byte(control.SettingKey(name)), Value: fmt.Appendf(nil,
		`{"schema":"setting/1","version":%d,"by":"ann","at":"2026-11-28T12:00:00Z","value":%q}`, version, value)}
}

func TestOneOfTwoOperatorsIsTold(t *testing.T) {
	b := setup(t)
	views := []*control.View{b.loaded(), b.loaded(), b.loaded()}
	var wait sync.WaitGroup
	errs := make([]error, len(views))
	for i, v := range views {
		seen := v.Version("gpu-slots", "")
		wait.Go(func() {
			_, errs[i] = b.writer(v).Apply(b.ctx, control.Change{
				Setting: "gpu-slots", Value: fmt.Sprint(i + 1), By: fmt.Sprintf("operator %d", i), Seen: seen,
			})
		})
	}
	wait.Wait()
	winner := -1
	for i, err := range errs {
		if err == nil {
			require.Equal(t, -1, winner, "two have won")
			winner = i
		}
	}
	require.NotEqual(t, -1, winner)
	for i, err := range errs {
		if i == winner {
			continue
		}
		var conflict *control.Conflict
		require.ErrorAs(t, err, &conflict)
		require.Equal(t, fmt.Sprintf("operator %d", winner), conflict.Now.By)
		require.False(t, conflict.Now.At.IsZero())
	}
	for _, v := range append(views, b.loaded()) {
		b.until(v, func() bool { return control.GPUSlots.Of(v, "", 0) == winner+1 })
	}
}

func TestManyWritersOfDifferentDocumentsAllSucceed(t *testing.T) {
	b := setup(t)
	names := []string{"gpu-slots", "convert-slots", "bridge-inflight", "api-max-tenant-uploads"}
	v := b.loaded()
	var wait sync.WaitGroup
	errs := make([]error, len(names))
	for i, name := range names {
		wait.Go(func() {
			_, errs[i] = b.writer(v).Apply(b.ctx, control.Change{Setting: name, Value: "7", By: "ann"})
		})
	}
	wait.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, v.Assignments(), len(names))
}

// A script may set something for each of its tenants at once.
func TestWritersInACrowdAllSucceed(t *testing.T) {
	b := embedded(t)
	b.slow(30*time.Millisecond, kmsg.InitProducerID, kmsg.Produce, kmsg.EndTxn)
	v := b.loaded()
	var wait sync.WaitGroup
	errs := make([]error, 12)
	for i := range errs {
		wait.Go(func() {
			_, errs[i] = b.writer(v).Apply(b.ctx, control.Change{Setting: "tier", Tenant: orak.Tenant(fmt.Sprint("choir-", i)), Value: control.TierBackfill, By: "ann"})
		})
	}
	wait.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, v.Assignments(), len(errs))
}

func TestVersionsGrowOverRemovals(t *testing.T) {
	b := setup(t)
	v := b.loaded()
	first := b.set(v, control.Change{Setting: "gpu-slots", Value: "1"})
	removed := b.set(v, control.Change{Setting: "gpu-slots", Unset: true, By: "bob"})
	require.Greater(t, removed, first)
	_, err := b.writer(v).Apply(b.ctx, control.Change{Setting: "gpu-slots", Value: "2", By: "ann", Seen: first})
	var conflict *control.Conflict
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, "bob", conflict.Now.By, "who removed it")
	fresh := b.loaded()
	require.Equal(t, removed, fresh.Version("gpu-slots", ""))
	require.Greater(t, b.set(fresh, control.Change{Setting: "gpu-slots", Value: "2"}), removed)
}

func TestBadChangesAreRefusedInWords(t *testing.T) {
	b := setup(t)
	v := b.loaded()
	for text, c := range map[string]control.Change{
		"gpu-slots: want a whole number from 1 to 1024":    {Setting: "gpu-slots", Value: "0", By: "ann"},
		"park-for: want a duration from 1m0s to 2160h0m0s": {Setting: "park-for", Value: "1s", By: "ann"},
		"tier: want standard, realtime or backfill":        {Setting: "tier", Value: "gold", By: "ann"},
		`there is no setting called "gpu-slot"`:            {Setting: "gpu-slot", Value: "1", By: "ann"},
		"gpu-slots applies everywhere, not to one tenant":  {Setting: "gpu-slots", Value: "1", Tenant: "choir", By: "ann"},
		"by: want 1 to 100 bytes of UTF-8":                 {Setting: "gpu-slots", Value: "1"},
		orak.ErrInvalidTenant.Error():                      {Setting: "tier", Value: "realtime", Tenant: "../x", By: "ann"},
	} {
		_, err := b.writer(v).Apply(b.ctx, c)
		require.EqualError(t, err, text)
	}
	require.Empty(t, v.Assignments())
}

// A commit that meets the fencing of its producer is answered with an error that says
// nothing.
func TestCommitWhoseAnswerSaysNothingIsTriedAgain(t *testing.T) {
	b := embedded(t)
	asked := 0
	b.cluster.ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		if asked++; asked > 1 {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.EndTxnResponse)
		resp.ErrorCode = kerr.UnknownServerError.Code
		return resp, nil, true
	})
	v := b.loaded()
	version, err := b.writer(v).Apply(b.ctx, control.Change{Setting: "gpu-slots", Value: "7", By: "ann"})
	require.NoError(t, err)
	require.Positive(t, version)
	require.Equal(t, 7, control.GPUSlots.Of(v, "", 0))
	require.Greater(t, asked, 1)
}

// kgo may abort a transaction that it was asked to commit, and report success.
func TestCommitThatWasAnAbortIsTriedAgain(t *testing.T) {
	b := embedded(t)
	ends := 0
	b.cluster.ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		if ends%2 == 0 {
			req.(*kmsg.EndTxnRequest).Commit = false
		}
		ends++
		return nil, nil, false
	})
	v := b.loaded()
	w := b.writer(v)
	version, err := w.Apply(b.ctx, control.Change{Setting: "gpu-slots", Value: "7", By: "ann"})
	require.NoError(t, err)
	require.GreaterOrEqual(t, ends, 2)
	require.Equal(t, 7, control.GPUSlots.Of(v, "", 0))
	_, err = w.Apply(b.ctx, control.Change{Setting: "gpu-slots", Unset: true, By: "ann", Seen: version})
	require.NoError(t, err)
	require.GreaterOrEqual(t, ends, 4)
	require.Equal(t, 0, control.GPUSlots.Of(v, "", 0))
}
