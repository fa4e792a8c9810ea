package objectstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"orak/internal/objectstore"
	"orak/test/stack"
)

// open makes a store with a bucket of its own on the stack's S3 server.
func open(t *testing.T) *objectstore.Store {
	t.Helper()
	servers := stack.Start(t)
	s, err := objectstore.New(objectstore.Config{
		Endpoint: servers.S3, AccessKey: servers.S3AccessKey, SecretKey: servers.S3SecretKey,
		Bucket: servers.Bucket(t), PartSize: 5 << 20,
	})
	require.NoError(t, err)
	require.NoError(t, s.EnsureBucket(t.Context()))
	t.Cleanup(s.Close)
	return s
}
