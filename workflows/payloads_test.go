package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"

	"orak"
	"orak/activities"
	"orak/workflows"
)

// behindCodec is the default converter behind a codec that changes every payload.
func behindCodec() converter.DataConverter {
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), converter.NewZlibCodec(converter.ZlibCodecOptions{AlwaysEncode: true}))
}

func TestPayloadsAreDecodedBehindACodec(t *testing.T) {
	t.Parallel()
	encode := func(v any) *common.Payloads {
		payloads, err := behindCodec().ToPayloads(v)
		require.NoError(t, err)
		return payloads
	}
	progress := orak.Progress{Upload: orak.Upload{ID: "0195a2b4-7c3d-7e8f-9a0b-1c2d3e4f5a6b"}, Status: orak.StatusConverting}
	info := &workflow.WorkflowExecutionInfo{Memo: &common.Memo{Fields: map[string]*common.Payload{
		workflows.MemoProgress:   encode(progress).GetPayloads()[0],
		workflows.MemoReconciled: encode(workflows.ReconcileReport{GaveUp: []activities.ReconcileStep{"watch"}}).GetPayloads()[0],
	}}}
	in := workflows.ProcessUploadInput{Upload: progress.Upload, Restarts: 3}
	beat := activities.Heartbeat{Attempts: 2}

	p := workflows.NewPayloads(behindCodec())
	got, ok := p.Progress(info)
	require.True(t, ok)
	require.Equal(t, progress, got)
	report, ok := p.Report(info)
	require.True(t, ok)
	require.Equal(t, []activities.ReconcileStep{"watch"}, report.GaveUp)
	var gotIn workflows.ProcessUploadInput
	require.NoError(t, p.Decode(encode(in), &gotIn))
	require.Equal(t, in, gotIn)
	var gotBeat activities.Heartbeat
	require.NoError(t, p.DecodeOne(encode(beat).GetPayloads()[0], &gotBeat))
	require.Equal(t, beat, gotBeat)

	// The default converter decodes nothing, and reports that.
	var zero workflows.Payloads
	got, ok = zero.Progress(info)
	require.False(t, ok)
	require.Zero(t, got)
	require.Error(t, zero.Decode(encode(in), &gotIn))
	require.Error(t, zero.DecodeOne(encode(beat).GetPayloads()[0], &gotBeat))
}

func TestPayloadsWithoutConverterDecodeTheDefault(t *testing.T) {
	t.Parallel()
	payload, err := converter.GetDefaultDataConverter().ToPayload(orak.Progress{Status: orak.StatusQueued})
	require.NoError(t, err)
	info := &workflow.WorkflowExecutionInfo{Memo: &common.Memo{Fields: map[string]*common.Payload{workflows.MemoProgress: payload}}}
	for _, p := range []workflows.Payloads{{}, workflows.NewPayloads(nil)} {
		got, ok := p.Progress(info)
		require.True(t, ok)
		require.Equal(t, orak.StatusQueued, got.Status)
	}
	_, ok := workflows.Payloads{}.Progress(&workflow.WorkflowExecutionInfo{})
	require.False(t, ok, "there is no memo")
}
