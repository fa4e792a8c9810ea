package temporal_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"

	"orak/internal/secure"
	"orak/internal/temporal"
	"orak/test/stack"
)

func newKey(id string) string {
	key := make([]byte, 32)
	rand.Read(key)
	return id + "=" + base64.StdEncoding.EncodeToString(key)
}

func codecOf(keys ...string) converter.PayloadCodec { return temporal.Config{CodecKeys: keys}.Codec() }

func payload(text string) *common.Payload {
	return &common.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(text)}
}

func one(t *testing.T, do func([]*common.Payload) ([]*common.Payload, error), p *common.Payload) *common.Payload {
	t.Helper()
	out, err := do([]*common.Payload{p})
	require.NoError(t, err)
	require.Len(t, out, 1)
	return out[0]
}

func TestPayloadIsEncryptedWithTheFirstKeyAndDecryptedWithEach(t *testing.T) {
	t.Parallel()
	old, next := newKey("2026-01"), newKey("2026-02")
	p := payload(`"a secret song"`)
	before := one(t, codecOf(old).Encode, p)
	require.Equal(t, "binary/encrypted", string(before.Metadata["encoding"]))
	require.Equal(t, "2026-01", string(before.Metadata["encryption-key-id"]))
	require.NotContains(t, before.String(), "secret")

	rotated := codecOf(next, old)
	after := one(t, rotated.Encode, p)
	require.Equal(t, "2026-02", string(after.Metadata["encryption-key-id"]))
	for name, stored := range map[string]*common.Payload{"old key": before, "new key": after, "no key": p} {
		require.True(t, proto.Equal(p, one(t, rotated.Decode, stored)), name)
	}
	// Twice the same payload gives no two that are alike, and encoding twice changes nothing.
	require.NotEqual(t, after.Data, one(t, rotated.Encode, p).Data)
	require.True(t, proto.Equal(after, one(t, rotated.Encode, after)))
	// Keys may be one on a line, as in a file.
	require.True(t, proto.Equal(p, one(t, codecOf(next+"\n"+old).Decode, before)))
}

func TestPayloadThatCannotBeDecryptedIsRefused(t *testing.T) {
	t.Parallel()
	a, b := newKey("a"), newKey("b")
	stored := one(t, codecOf(a).Encode, payload(`"x"`))
	change := func(f func(*common.Payload)) *common.Payload {
		p := proto.Clone(stored).(*common.Payload)
		f(p)
		return p
	}
	for name, c := range map[string]struct {
		codec converter.PayloadCodec
		p     *common.Payload
		words string
	}{
		"unknown key":        {codecOf(b), stored, "temporal-codec-keys"},
		"no key id":          {codecOf(a), change(func(p *common.Payload) { delete(p.Metadata, "encryption-key-id") }), "there is no key"},
		"another key's id":   {codecOf(a, b), change(func(p *common.Payload) { p.Metadata["encryption-key-id"] = []byte("b") }), "changed"},
		"another key":        {codecOf(newKey("a")), stored, "changed"},
		"changed data":       {codecOf(a), change(func(p *common.Payload) { p.Data[len(p.Data)-1] ^= 1 }), "changed"},
		"changed salt":       {codecOf(a), change(func(p *common.Payload) { p.Data[0] ^= 1 }), "changed"},
		"cut data":           {codecOf(a), change(func(p *common.Payload) { p.Data = p.Data[:20] }), "changed"},
		"hardly any data":    {codecOf(a), change(func(p *common.Payload) { p.Data = p.Data[:3] }), "changed"},
		"keys of no meaning": {codecOf("a=short"), stored, "temporal-codec-keys"},
	} {
		_, err := c.codec.Decode([]*common.Payload{c.p})
		require.ErrorContains(t, err, c.words, name)
	}
	// With unusable keys, nothing is sent in clear instead.
	_, err := codecOf("a=short").Encode([]*common.Payload{payload("x")})
	require.True(t, secure.IsWrongSetting(err))
	require.Nil(t, codecOf())
}

// With none in front of its keys, a process writes in clear and reads what others encrypt:
// so the first key reaches all before one encrypts with it.
func TestKeyIsIntroducedBeforeItEncrypts(t *testing.T) {
	t.Parallel()
	key := newKey("a")
	payloads, err := converter.GetDefaultDataConverter().ToPayloads("a song")
	require.NoError(t, err)
	reads, writes := temporal.Config{CodecKeys: []string{"none", key}}.Codec(), temporal.Config{CodecKeys: []string{key}}.Codec()
	clear, err := reads.Encode(payloads.Payloads)
	require.NoError(t, err)
	require.Equal(t, payloads.Payloads, clear)
	sealed, err := writes.Encode(payloads.Payloads)
	require.NoError(t, err)
	require.NotEqual(t, payloads.Payloads[0].Data, sealed[0].Data)
	opened, err := reads.Decode(sealed)
	require.NoError(t, err)
	require.Equal(t, payloads.Payloads[0].Data, opened[0].Data)
}

func TestCodecKeysAreValidatedAndNotShown(t *testing.T) {
	t.Parallel()
	good := newKey("a")
	short := "b=" + base64.StdEncoding.EncodeToString([]byte("too short a key"))
	for name, keys := range map[string][]string{
		"short": {short}, "twice": {good, good}, "no id": {strings.TrimPrefix(good, "a")}, "strange id": {"a b=" + good[2:]}, "none alone": {"none"}, "none behind a key": {good, "none"}, "no base64": {"a=" + strings.Repeat("!", 44)},
	} {
		cfg := temporal.Config{Address: "a:1", Namespace: "x", DialTimeout: time.Second, Retention: 24 * time.Hour, CodecKeys: keys}
		err := cfg.Validate()
		require.ErrorContains(t, err, "codec-keys", name)
		for _, key := range keys {
			if _, secret, has := strings.Cut(key, "="); has {
				require.NotContains(t, err.Error(), secret)
			}
		}
	}
}

// remembering takes an input, sleeps for a moment, remembers a memo and returns its input.
func remembering(ctx workflow.Context, song string) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute, Summary: "sings the secret song"})
	var sung string
	if err := workflow.ExecuteActivity(ctx, sing, song).Get(ctx, &sung); err != nil {
		return "", err
	}
	if err := workflow.UpsertMemo(ctx, map[string]any{"progress": song}); err != nil {
		return "", err
	}
	workflow.GetSignalChannel(ctx, "more").Receive(ctx, &song)
	return sung + song, nil
}

func sing(_ context.Context, song string) (string, error) { return song + " sung", nil }

// start connects with keys, and works on the queue of a namespace.
func start(t *testing.T, namespace string, keys ...string) (client.Client, func()) {
	t.Helper()
	cfg := temporal.Config{Address: stack.Start(t).Temporal, Namespace: namespace, DialTimeout: time.Minute, CodecKeys: keys}
	c, err := temporal.Dial(t.Context(), cfg, quiet, temporal.Telemetry{})
	require.NoError(t, err)
	w := worker.New(c, "songs", worker.Options{})
	w.RegisterWorkflow(remembering)
	w.RegisterActivity(sing)
	require.NoError(t, w.Start())
	return c, func() { w.Stop(); c.Close() }
}

// A workflow that began without a key goes on with one, and with another one after that;
// nothing that was written meanwhile can be read in Temporal.
func TestWorkflowGoesOnWhileItsKeysAreIntroducedAndRotated(t *testing.T) {
	t.Parallel()
	namespace := stack.Start(t).Namespace(t)
	first, second := newKey("first"), newKey("second")
	begin := func(c client.Client, id string) {
		t.Helper()
		_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: "songs", Memo: map[string]any{"begun": "a secret memo"}, StaticSummary: "a secret summary"}, remembering, "a secret song")
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			d, err := c.DescribeWorkflowExecution(t.Context(), id, "")
			return err == nil && d.GetWorkflowExecutionInfo().GetMemo().GetFields()["progress"] != nil
		}, time.Minute, 20*time.Millisecond)
	}
	plain, stop := start(t, namespace)
	begin(plain, "plain")
	stop()
	old, stop := start(t, namespace, first)
	begin(old, "old")
	stop()
	c, stop := start(t, namespace, second, first)
	defer stop()
	begin(c, "new")
	for _, id := range []string{"plain", "old", "new"} {
		require.NoError(t, c.SignalWorkflow(t.Context(), id, "", "more", " and secret more"))
		var out string
		require.NoError(t, c.GetWorkflow(t.Context(), id, "").Get(t.Context(), &out))
		require.Equal(t, "a secret song sung and secret more", out)
	}
	require.NotContains(t, raw(t, c, "old"), "secret")
	require.NotContains(t, raw(t, c, "new"), "secret")
	require.Contains(t, raw(t, c, "plain"), "secret", "the test can see what is not encrypted")
	require.NotContains(t, ends(t, c, "plain"), "secret", "nor is what a workflow from before writes now")
}

// A worker that lacks the key harms no workflow: it waits for one that has it.
func TestWorkflowWaitsForAWorkerThatHasItsKey(t *testing.T) {
	t.Parallel()
	namespace := stack.Start(t).Namespace(t)
	key := newKey("a")
	for name, lacking := range map[string][]string{"no key": nil, "another key": {newKey("b")}} {
		without, stop := start(t, namespace, lacking...)
		cfg := temporal.Config{Address: stack.Start(t).Temporal, Namespace: namespace, DialTimeout: time.Minute, CodecKeys: []string{key}}
		keyed, err := temporal.Dial(t.Context(), cfg, quiet, temporal.Telemetry{})
		require.NoError(t, err)
		_, err = keyed.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: name, TaskQueue: "songs"}, remembering, "a secret song")
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			d, err := without.DescribeWorkflowExecution(t.Context(), name, "")
			require.NoError(t, err)
			require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, d.GetWorkflowExecutionInfo().GetStatus(), name)
			return d.GetPendingWorkflowTask().GetAttempt() > 1
		}, time.Minute, 20*time.Millisecond)
		keyed.Close()
		stop()

		c, stop := start(t, namespace, key)
		require.NoError(t, c.SignalWorkflow(t.Context(), name, "", "more", " and secret more"))
		var out string
		require.NoError(t, c.GetWorkflow(t.Context(), name, "").Get(t.Context(), &out))
		require.Equal(t, "a secret song sung and secret more", out)
		stop()
	}
}

// raw is everything that Temporal stores of a workflow's history.
func raw(t *testing.T, c client.Client, id string) string {
	t.Helper()
	var text strings.Builder
	events := c.GetWorkflowHistory(t.Context(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		require.NoError(t, err)
		stored, err := proto.Marshal(e)
		require.NoError(t, err)
		text.Write(stored)
	}
	d, err := c.DescribeWorkflowExecution(t.Context(), id, "")
	require.NoError(t, err)
	stored, err := proto.Marshal(d)
	require.NoError(t, err)
	text.Write(stored)
	return text.String()
}

// ends is the last event of a workflow's history.
func ends(t *testing.T, c client.Client, id string) string {
	t.Helper()
	events := c.GetWorkflowHistory(t.Context(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT)
	e, err := events.Next()
	require.NoError(t, err)
	var stored bytes.Buffer
	require.NoError(t, proxy.VisitPayloads(t.Context(), e, proxy.VisitPayloadsOptions{Visitor: func(_ *proxy.VisitPayloadsContext, all []*common.Payload) ([]*common.Payload, error) {
		for _, p := range all {
			stored.Write(p.GetData())
		}
		return all, nil
	}}))
	require.NotZero(t, stored.Len())
	return stored.String()
}

func BenchmarkCodec(b *testing.B) {
	c := codecOf(newKey("a"))
	p := []*common.Payload{payload(strings.Repeat("x", 600))}
	for b.Loop() {
		out, err := c.Encode(p)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Decode(out); err != nil {
			b.Fatal(err)
		}
	}
}
