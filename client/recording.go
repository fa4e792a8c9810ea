package client

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"orak"
	"orak/api/resource"
)

// Recording is the body of a download. The caller closes it.
type Recording struct {
	// Size is in bytes; -1 if the server does not say it.
	Size int64
	// MediaType is without parameters, such as audio/wav.
	MediaType string

	body    io.ReadCloser
	failed  func(error) error
	stalled *time.Timer
	end     context.CancelCauseFunc
	sum     hash.Hash
	// digest is what sum must be at the end; "" if the server does not say it.
	digest string
}

// Audio opens the converted recording of an upload, a WAV of 16 bits. Until the
// recording is converted, the error is an *Error of status 409.
func (c *Client) Audio(ctx context.Context, id orak.UploadID) (*Recording, error) {
	return c.recording(ctx, uploadPath(id)+"/audio")
}

// Original opens the recording of an upload as it was sent.
func (c *Client) Original(ctx context.Context, id orak.UploadID) (*Recording, error) {
	return c.recording(ctx, uploadPath(id)+"/original")
}

func (c *Client) recording(ctx context.Context, path string) (*Recording, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	stalled := time.AfterFunc(stallTimeout, func() { cancel(errStalled) })
	resp, err := c.open(ctx, path)
	if err != nil {
		stalled.Stop()
		cancel(nil)
		return nil, err
	}
	r := &Recording{
		Size: resp.ContentLength, body: resp.Body, stalled: stalled, end: cancel, sum: sha256.New(),
		digest: sha256In(resp.Header.Get(resource.HeaderReprDigest)),
		failed: func(err error) error { return c.unreachable(ctx, err) },
	}
	r.MediaType, _, _ = mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return r, nil
}

func (c *Client) open(ctx context.Context, path string) (*http.Response, error) {
	req, err := c.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "audio/*, video/*, application/octet-stream, application/problem+json")
	req.Header.Set("Accept-Encoding", "identity")
	return c.do(req)
}

// Read implements io.Reader. A broken connection is an *Unreachable, and other bytes
// than the server has announced are ErrChanged.
func (r *Recording) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	r.sum.Write(p[:n])
	switch {
	case errors.Is(err, io.EOF):
		if got := base64.StdEncoding.EncodeToString(r.sum.Sum(nil)); r.digest != "" && got != r.digest {
			return n, fmt.Errorf("%w: announced sha-256 %s, received %s", ErrChanged, r.digest, got)
		}
		return n, io.EOF
	case err != nil:
		return n, r.failed(err)
	}
	r.stalled.Reset(stallTimeout)
	return n, nil
}

// Close implements io.Closer.
func (r *Recording) Close() error {
	r.stalled.Stop()
	defer r.end(nil)
	return r.body.Close()
}

// sha256In returns the SHA-256 of a Repr-Digest (RFC 9530) in base64; "" if there is none.
func sha256In(header string) string {
	for _, member := range strings.Split(header, ",") {
		if value, ok := strings.CutPrefix(strings.TrimSpace(member), "sha-256=:"); ok {
			digest, _, _ := strings.Cut(value, ":")
			return digest
		}
	}
	return ""
}
