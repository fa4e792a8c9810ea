package objectstore_test

import (
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/internal/objectstore"
	"orak/test/stack"
)

// open makes a store with its own bucket on the stack's S3 server, or on the server
// at ORAK_TEST_S3, with ORAK_TEST_S3_ACCESS_KEY and ORAK_TEST_S3_SECRET_KEY.
func open(t *testing.T) *objectstore.Store {
	t.Helper()
	s, err := objectstore.New(server(t))
	require.NoError(t, err)
	require.NoError(t, s.EnsureBucket(t.Context()))
	t.Cleanup(s.Close)
	return s
}

func server(t *testing.T) objectstore.Config {
	t.Helper()
	cfg := objectstore.Config{PartSize: 5 << 20}
	if cfg.Endpoint = os.Getenv("ORAK_TEST_S3"); cfg.Endpoint != "" {
		cfg.AccessKey, cfg.SecretKey = os.Getenv("ORAK_TEST_S3_ACCESS_KEY"), os.Getenv("ORAK_TEST_S3_SECRET_KEY")
		cfg.Bucket = "test-" + strings.ToLower(rand.Text()[:16])
		return cfg
	}
	servers := stack.Start(t)
	cfg.Endpoint, cfg.AccessKey, cfg.SecretKey = servers.S3, servers.S3AccessKey, servers.S3SecretKey
	cfg.Bucket = servers.Bucket(t)
	return cfg
}
