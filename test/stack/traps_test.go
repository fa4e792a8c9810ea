package stack

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"orak/events"
	"orak/workflows"
)

// A redelivered record must find the workflow that it started before.
func TestWorkflowsAreRememberedLongerThanRecords(t *testing.T) {
	t.Parallel()
	c := Start(t).Client(t, "default")
	ns, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "default"})
	require.NoError(t, err)
	retention := ns.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration()
	require.Equal(t, 30*24*time.Hour, retention)
	for _, topic := range events.Topics() {
		if topic.Name == events.TopicUploads {
			require.Greater(t, retention, topic.Retention)
		}
	}
}

func TestSearchAttributesAreThereFromTheStart(t *testing.T) {
	t.Parallel()
	c := Start(t).Client(t, "default")
	attrs, err := c.OperatorService().ListSearchAttributes(t.Context(), &operatorservice.ListSearchAttributesRequest{Namespace: "default"})
	require.NoError(t, err)
	for _, key := range []temporal.SearchAttributeKeyKeyword{
		workflows.AttrStatus, workflows.AttrStage, workflows.AttrFailure, workflows.AttrTenant,
	} {
		require.Equal(t, key.GetValueType(), attrs.GetCustomAttributes()[key.GetName()])
	}
}

func TestWebUIListsWorkflowsByStatus(t *testing.T) {
	t.Parallel()
	s := Start(t)
	namespace := s.Namespace(t)
	_, err := s.Client(t, namespace).ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: "upload-1", TaskQueue: workflows.QueuePipeline,
		TypedSearchAttributes: temporal.NewSearchAttributes(workflows.AttrStatus.ValueSet("queued")),
	}, workflows.TypeProcessUpload)
	require.NoError(t, err)

	page, _ := fetch(t, s.TemporalUI+"/namespaces/default/workflows")
	require.Contains(t, page, "<html")
	list := s.TemporalUI + "/api/v1/namespaces/" + namespace + "/workflows?query=" + url.QueryEscape(`OrakStatus="queued"`)
	require.Eventually(t, func() bool {
		body, status := fetch(t, list)
		var found struct{ Executions []json.RawMessage }
		return status == http.StatusOK && json.Unmarshal([]byte(body), &found) == nil && len(found.Executions) == 1
	}, 20*time.Second, 50*time.Millisecond)
}

func fetch(t *testing.T, url string) (body string, status int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(data), resp.StatusCode
}

func TestStoreKeepsKeysThatAreWrittenOnce(t *testing.T) {
	t.Parallel()
	s := Start(t)
	bucket, store := s.Bucket(t), s.Store(t)
	opts := minio.PutObjectOptions{}
	opts.SetMatchETagExcept("*")
	_, err := store.PutObject(t.Context(), bucket, "a/b", strings.NewReader("first"), 5, opts)
	require.NoError(t, err)
	_, err = store.PutObject(t.Context(), bucket, "a/b", strings.NewReader("other"), 5, opts)
	require.Equal(t, http.StatusPreconditionFailed, minio.ToErrorResponse(err).StatusCode)
	object, err := store.GetObject(t.Context(), bucket, "a/b", minio.GetObjectOptions{})
	require.NoError(t, err)
	data, err := io.ReadAll(object)
	require.NoError(t, err)
	require.Equal(t, "first", string(data))
}

func TestStoreRefusesAnyOtherKey(t *testing.T) {
	t.Parallel()
	s := *Start(t)
	bucket := s.Bucket(t)
	s.S3SecretKey = "minioadmin"
	_, err := s.Store(t).StatObject(t.Context(), bucket, "any", minio.StatObjectOptions{})
	require.Equal(t, http.StatusForbidden, minio.ToErrorResponse(err).StatusCode)
}

func TestAddressesAreLoopback(t *testing.T) {
	t.Parallel()
	s := Start(t)
	for _, address := range []string{s.Temporal, s.Kafka, s.S3, strings.TrimPrefix(s.TemporalUI, "http://")} {
		require.True(t, strings.HasPrefix(address, "127.0.0.1:"), address)
	}
}

// Without extended attributes in the file system, the store keeps metadata in
// files; a folder that has such files keeps using them.
func TestStoreKeepsMetadataInFilesWhereItMust(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "s3", "meta"), 0o700))
	p := StartServers(t, Options{DataDir: dir})
	require.NoError(t, p.Store(t).MakeBucket(t.Context(), "orak", minio.MakeBucketOptions{}))
	put(t, p, 2)
	p.Kill()
	p.Restart()
	requireObjects(t, p, 2)
	left, err := os.ReadDir(filepath.Join(dir, "s3", "meta"))
	require.NoError(t, err)
	require.NotEmpty(t, left)
}
