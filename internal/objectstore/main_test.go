package objectstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"orak/internal/objectstore"
	"orak/test/leaks"
	"orak/test/lifecycle"
)

func TestMain(m *testing.M) { leaks.Main(m) }

func TestStoreCloses(t *testing.T) {
	lifecycle.Stops(t, func(t *testing.T) lifecycle.Part {
		s, err := objectstore.New(server(t))
		require.NoError(t, err)
		require.NoError(t, s.EnsureBucket(t.Context())) // it has a connection now
		return lifecycle.Closing(s.Close)
	})
}
