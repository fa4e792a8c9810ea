package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/bridge"
	"orak/internal/media"
	"orak/internal/objectstore"
	"orak/test/stack"
)

const recordingID = orak.UploadID("0195a2b4-7c3d-7e8f-9a0b-1c2d3e4f5a6b")

func newRecordings(t *testing.T) (recordings, func(key string, body []byte)) {
	t.Helper()
	servers := stack.Start(t)
	store, err := objectstore.New(objectstore.Config{
		Endpoint: servers.S3, Bucket: servers.Bucket(t), Region: "us-east-1",
		AccessKey: servers.S3AccessKey, SecretKey: servers.S3SecretKey,
	})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	put := func(key string, body []byte) {
		_, err := store.Put(t.Context(), key, bytes.NewReader(body), objectstore.PutOptions{
			Size: int64(len(body)), ContentType: "text/lies",
		})
		require.NoError(t, err)
	}
	return recordings{store: store, bucket: "b"}, put
}

func TestStoredRecordingIsDescribedByItsBytes(t *testing.T) {
	t.Parallel()
	r, put := newRecordings(t)
	wav := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00"), make([]byte, 3*media.SniffLen)...)
	for _, test := range []struct {
		id          orak.UploadID
		body        []byte
		contentType string
	}{
		{recordingID, wav, "audio/wav"},
		{"0195a2b4-7c3d-7e8f-9a0b-000000000001", []byte("#EXTM3U"), unknownMedia},
	} {
		put(orak.OriginalKey("choir", test.id), test.body)
		u, err := r.Describe(t.Context(), "choir", test.id)
		require.NoError(t, err)
		require.NoError(t, u.Validate())
		sum := sha256.Sum256(test.body)
		require.Equal(t, hex.EncodeToString(sum[:]), u.SHA256)
		require.Equal(t, int64(len(test.body)), u.Size)
		require.Equal(t, test.contentType, u.ContentType)
		require.Equal(t, time.UTC, u.ReceivedAt.Location())
		again, err := r.Describe(t.Context(), "choir", test.id)
		require.NoError(t, err)
		require.Equal(t, u, again)
	}
}

func TestDescribeReportsWhatCannotBeStarted(t *testing.T) {
	t.Parallel()
	r, put := newRecordings(t)
	_, err := r.Describe(t.Context(), "choir", recordingID)
	require.ErrorIs(t, err, fs.ErrNotExist)

	put(orak.OriginalKey("choir", recordingID), nil)
	_, err = r.Describe(t.Context(), "choir", recordingID)
	var fault *orak.Fault
	require.ErrorAs(t, err, &fault)
	require.Equal(t, orak.ClassInput, fault.Class)

	put(orak.PendingKey("choir", recordingID), []byte("{}"))
	_, err = r.Describe(t.Context(), "choir", recordingID)
	require.ErrorIs(t, err, bridge.ErrInOutbox)

	// The same holds during the erasure.
	put(orak.ErasedKey("choir", recordingID), []byte("{}"))
	_, err = r.Describe(t.Context(), "choir", recordingID)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestStoreOutageIsNotAnErasure(t *testing.T) {
	t.Parallel()
	store, err := objectstore.New(objectstore.Config{
		Endpoint: "127.0.0.1:1", Bucket: "b", Region: "us-east-1", AccessKey: "a", SecretKey: strings.Repeat("s", 8),
	})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err = recordings{store: store}.Describe(ctx, "choir", recordingID)
	require.Error(t, err)
	require.NotErrorIs(t, err, fs.ErrNotExist)
	require.NotErrorIs(t, err, bridge.ErrInOutbox)
	var fault *orak.Fault
	require.False(t, errors.As(err, &fault) && fault.Class == orak.ClassInput)
}
