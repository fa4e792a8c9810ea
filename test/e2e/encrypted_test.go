package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"orak"
	"orak/api/resource"
	"orak/internal/media/mediatest"
	"orak/workflows"
)

// With keys, nothing that a singer sent can be read in Temporal, and everything that
// operators see is as without.
func TestTemporalStoresNothingThatCanBeRead(t *testing.T) {
	t.Parallel()
	a := startApp(t, "ORAK_TEMPORAL_CODEC_KEYS=2026-11="+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))), "ORAK_API_CODEC=decode")
	a.query = "owner=secret-owner&metadata=" + `%7B%22a%22%3A%22secret-metadata%22%7D`
	good := a.sendFile(t, mediatest.WAV(16000, 1, mediatest.Tune(16000)))
	bad := a.sendFile(t, append([]byte("#!AMR\n"), bytes.Repeat([]byte{0xff}, 2000)...))
	require.Equal(t, orak.StatusCompleted, a.awaitEnd(t, good).Status)
	require.Equal(t, orak.StatusDeadLettered, a.awaitEnd(t, bad).Status)

	var letters resource.DeadLetterPage
	require.NoError(t, a.get(t.Context(), "/v1/dead-letters", &letters))
	require.Len(t, letters.DeadLetters, 1)
	var history resource.UploadHistory
	require.NoError(t, a.get(t.Context(), "/v1/uploads/"+string(bad)+"/history", &history))
	require.NotEmpty(t, history.Entries)

	c, err := client.Dial(client.Options{HostPort: a.Temporal})
	require.NoError(t, err)
	defer c.Close()
	list, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: "default"})
	require.NoError(t, err)
	require.Greater(t, len(list.GetExecutions()), 1)
	coded := map[string][]*common.Payload{}
	for _, x := range list.GetExecutions() {
		coded[x.GetExecution().GetWorkflowId()] = stored(t, c, x.GetExecution())
	}
	require.Contains(t, a.decode(t, coded[workflows.UploadWorkflowID(good)]), "secret-owner")
}

// sendFile uploads content under a name that no one else should read.
func (a *app) sendFile(t *testing.T, content []byte) orak.UploadID {
	t.Helper()
	status, answer, err := a.send(t.Context(), sending{body: content, contentType: "audio/wav", filename: "secret song.wav"})
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, status, "%s", answer)
	var accepted resource.Accepted
	require.NoError(t, json.Unmarshal(answer, &accepted))
	return accepted.ID
}

// stored returns the encrypted payloads of a workflow, and fails for one that is not:
// only search attributes and trace headers may be.
func stored(t *testing.T, c client.Client, x *common.WorkflowExecution) []*common.Payload {
	t.Helper()
	id := x.GetWorkflowId()
	d, err := c.DescribeWorkflowExecution(t.Context(), id, x.GetRunId())
	require.NoError(t, err)
	all := []proto.Message{d}
	events := c.GetWorkflowHistory(t.Context(), id, x.GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		require.NoError(t, err)
		all = append(all, e)
	}
	var coded []*common.Payload
	for _, m := range all {
		raw, err := proto.Marshal(m)
		require.NoError(t, err)
		require.NotContains(t, string(raw), "secret", "%s: %v", id, m)
		require.NoError(t, proxy.VisitPayloads(context.WithoutCancel(t.Context()), m, proxy.VisitPayloadsOptions{SkipSearchAttributes: true, Visitor: func(ctx *proxy.VisitPayloadsContext, found []*common.Payload) ([]*common.Payload, error) {
			for _, p := range found {
				if string(p.GetMetadata()["encoding"]) == "binary/encrypted" {
					coded = append(coded, p)
					continue
				}
				require.IsType(t, &common.Header{}, ctx.Parent, "%s: %v", id, p)
			}
			return found, nil
		}}))
	}
	return coded
}

// decode has the API decrypt payloads, and returns what they say.
func (a *app) decode(t *testing.T, coded []*common.Payload) string {
	t.Helper()
	text, err := protojson.Marshal(&common.Payloads{Payloads: coded})
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.API+"/v1/codec/decode", bytes.NewReader(text))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	var answer bytes.Buffer
	_, err = answer.ReadFrom(resp.Body)
	require.NoError(t, err)
	var plain common.Payloads
	require.NoError(t, protojson.Unmarshal(answer.Bytes(), &plain))
	require.Len(t, plain.GetPayloads(), len(coded))
	var said strings.Builder
	for _, p := range plain.GetPayloads() {
		said.Write(p.GetData())
	}
	return said.String()
}
