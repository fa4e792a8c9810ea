package servers

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// A data folder of an earlier version has the rows of visibility in temporal.db.
func TestUploadsOfAnEarlierDataFolderStayListed(t *testing.T) {
	dir := t.TempDir()
	server := &temporalServer{dir: filepath.Join(dir, "temporal")}
	require.NoError(t, os.MkdirAll(server.dir, 0o700))
	require.NoError(t, server.createDatabase(storeFile))

	withTemporal(t, dir, func(c client.Client) {
		_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "upload", TaskQueue: "nobody"}, "Upload")
		require.NoError(t, err)
		requireListed(t, c)
	})
	withTemporal(t, dir, func(c client.Client) { requireListed(t, c) })
	require.NoFileExists(t, filepath.Join(server.dir, visibilityFile))
}

func TestNewDataFolderHasAFileOfVisibility(t *testing.T) {
	dir := t.TempDir()
	withTemporal(t, dir, func(c client.Client) {
		_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "upload", TaskQueue: "nobody"}, "Upload")
		require.NoError(t, err)
		requireListed(t, c)
	})
	require.FileExists(t, filepath.Join(dir, "temporal", visibilityFile))
	withTemporal(t, dir, func(c client.Client) { requireListed(t, c) })
}

// A kill between the creation of the two files must not give the new folder the
// layout of an earlier version.
func TestDataFolderThatWasBegunIsCompleted(t *testing.T) {
	t.Parallel()
	server := &temporalServer{dir: t.TempDir()}
	require.NoError(t, server.createDatabase(visibilityFile))
	store, visibility, err := server.databases()
	require.NoError(t, err)
	require.NotEqual(t, store.DatabaseName, visibility.DatabaseName)
	require.FileExists(t, filepath.Join(server.dir, storeFile))
}

func requireListed(t *testing.T, c client.Client) {
	t.Helper()
	require.Eventually(t, func() bool {
		listed, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: "WorkflowId = 'upload'"})
		return err == nil && len(listed.GetExecutions()) == 1
	}, 30*time.Second, 20*time.Millisecond)
}

// withTemporal runs only Temporal on a data folder.
func withTemporal(t *testing.T, dir string, use func(client.Client)) {
	t.Helper()
	s := New(Config{DataDir: dir}, Options{Only: []Name{Temporal}})
	require.NoError(t, s.Start(t.Context()))
	defer func() { require.NoError(t, s.Stop(context.Background())) }()
	c, err := client.Dial(client.Options{HostPort: s.Addresses().Temporal, Namespace: Namespace})
	require.NoError(t, err)
	defer c.Close()
	use(c)
}
