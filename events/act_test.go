package events

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
)

var actAt = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestActOfAnEvent(t *testing.T) {
	t.Parallel()
	u := sampleUpload()
	asked := Cancellation{ID: u.ID, Tenant: u.Tenant, By: "key/aaaa (ann)", Reason: "a wrong take"}
	cancellation, err := NewCancellation(actAt, asked)
	require.NoError(t, err)
	a, ok := ActOf(TopicUploads, cancellation)
	require.True(t, ok)
	require.NoError(t, a.Check())
	require.Equal(t, Act{ID: a.ID, At: actAt, Act: ActCancel, By: asked.By, Tenant: u.Tenant, Subject: string(u.ID), Detail: asked.Reason}, a)
	same, _ := ActOf(TopicUploads, cancellation)
	require.Equal(t, a, same)
	later, err := NewCancellation(actAt.Add(time.Second), asked)
	require.NoError(t, err)
	other, _ := ActOf(TopicUploads, later)
	require.NotEqual(t, a.ID, other.ID, "another request is another act")
	_, ok = ActOf(TopicLifecycle, cancellation)
	require.False(t, ok, "the fact is no act of a person")

	erasure, err := NewErasure(actAt, Erasure(asked))
	require.NoError(t, err)
	a, ok = ActOf(TopicUploads, erasure)
	require.True(t, ok)
	require.Equal(t, ActErase, a.Act)

	received, err := NewReceived(u)
	require.NoError(t, err)
	_, ok = ActOf(TopicUploads, received)
	require.False(t, ok)

	for kind, want := range map[Type]string{Reprocessed: ActReprocess, Discarded: ActDiscard, DeadLettered: ""} {
		l := Lifecycle{Upload: u, Status: orak.StatusQueued, By: strings.Repeat("가", 40), Reason: "a\x00b"}
		decision, err := NewLifecycle("w/r/"+string(kind)+"/1", kind, actAt, l)
		require.NoError(t, err)
		a, ok := ActOf(TopicLifecycle, decision)
		require.Equal(t, want != "", ok, kind)
		if ok {
			require.NoError(t, a.Check())
			require.Equal(t, want, a.Act)
			require.Equal(t, "ab", a.Detail)
			require.Equal(t, strings.Repeat("가", 33), a.By)
		}
		l.By = ""
		nobody, err := NewLifecycle("w/r/"+string(kind)+"/1", kind, actAt, l)
		require.NoError(t, err)
		_, ok = ActOf(TopicLifecycle, nobody)
		require.False(t, ok, "nobody has decided")
	}
}

func TestActIsReadAsRecorded(t *testing.T) {
	t.Parallel()
	a := Act{ID: "setting/tier/7", At: actAt, Act: "setting.set", By: "kafka/ops (ann)", Tenant: EveryTenant, Subject: "tier", Detail: "backfill"}
	r, err := a.Record()
	require.NoError(t, err)
	require.Equal(t, TopicAudit, r.Topic)
	require.Zero(t, r.Partition)
	got, err := ActFrom(r)
	require.NoError(t, err)
	require.Equal(t, a, got)

	long := a
	long.Detail, long.Subject = strings.Repeat("x", 2*MaxReason), strings.Repeat("y", 2*MaxActSubject)
	r, err = long.Record()
	require.NoError(t, err)
	got, err = ActFrom(r)
	require.NoError(t, err)
	require.Len(t, got.Detail, MaxReason)
	require.Len(t, got.Subject, MaxActSubject)
}

func TestMalformedActIsAFaultOfInput(t *testing.T) {
	t.Parallel()
	good := Act{ID: "1", At: actAt, Act: "key.revoke", By: "ann", Tenant: "choir"}
	require.NoError(t, good.Check())
	for name, change := range map[string]func(*Act){
		"id": func(a *Act) { a.ID = "" }, "time": func(a *Act) { a.At = time.Time{} }, "act": func(a *Act) { a.Act = "revoke" },
		"by": func(a *Act) { a.By = "" }, "tenant": func(a *Act) { a.Tenant = "" }, "NUL": func(a *Act) { a.Detail = "\x00" },
		"subject": func(a *Act) { a.Subject = strings.Repeat("x", MaxActSubject+1) }, "detail": func(a *Act) { a.Detail = strings.Repeat("x", MaxReason+1) },
	} {
		bad := good
		change(&bad)
		value, err := json.Marshal(bad)
		require.NoError(t, err)
		_, err = ActFrom(&kgo.Record{Topic: TopicAudit, Value: value})
		require.Equal(t, orak.ClassInput, orak.AsFault(err).Class, name)
	}
	for _, value := range []string{"", "[]", "{", `"x"`, strings.Repeat(" ", maxAct+1)} {
		_, err := ActFrom(&kgo.Record{Topic: TopicAudit, Value: []byte(value)})
		require.Equal(t, orak.ClassInput, orak.AsFault(err).Class, value)
	}
}
