package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/api"
	"orak/internal/objectstore"
)

// silentStore accepts requests and never answers.
type silentStore struct{ api.Store }

func (silentStore) Put(ctx context.Context, _ string, body io.Reader, _ objectstore.PutOptions) (objectstore.Info, error) {
	_, _ = io.Copy(io.Discard, body)
	return silent[objectstore.Info](ctx)
}

func (silentStore) Stat(ctx context.Context, _ string) (objectstore.Info, error) {
	return silent[objectstore.Info](ctx)
}

func (silentStore) Get(ctx context.Context, _ string) (io.ReadCloser, objectstore.Info, error) {
	_, err := silent[objectstore.Info](ctx)
	return nil, objectstore.Info{}, err
}

func (silentStore) Delete(ctx context.Context, _ string) error {
	_, err := silent[objectstore.Info](ctx)
	return err
}

func silent[T any](ctx context.Context) (none T, err error) {
	<-ctx.Done()
	return none, ctx.Err()
}

func TestRequestsOfASilentStoreAreAnsweredInTime(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) {
		b.deps.Store = silentStore{b.store}
		b.cfg.RequestTimeout, b.cfg.StoreTimeout = 200*time.Millisecond, 300*time.Millisecond
	})
	for name, answer := range map[string]func() reply{
		"status":   func() reply { return b.get("/v1/uploads/" + someID) },
		"analysis": func() reply { return b.get("/v1/uploads/" + someID + "/analysis") },
		"upload":   func() reply { return b.upload(wav(20_000)) },
		"keyed":    func() reply { return b.upload(wav(20_000), header{"Idempotency-Key", "k"}) },
		"erasure":  func() reply { return b.do(b.request(http.MethodDelete, "/v1/uploads/"+someID, nil)) },
	} {
		r := answer()
		problem(t, r, http.StatusServiceUnavailable, "unavailable")
		require.NotEmpty(t, r.header.Get("Retry-After"), name)
	}
}

// The time in which the server waits for its client does not count.
func TestSlowSenderIsNotLate(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.cfg.StoreTimeout = 2 * time.Second })
	content := string(wav(20_000))
	c := b.dial(t)
	c.send(fmt.Sprintf("POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", len(content)))
	for i := 0; i < len(content); i += 5000 {
		c.send(content[i:min(i+5000, len(content))])
		time.Sleep(700 * time.Millisecond) // the elapsed time is what is tested
	}
	require.Equal(t, http.StatusAccepted, c.answer().status)
}
