package client

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"orak"
	"orak/api/resource"
)

// SendResumable uploads a file by the tus protocol: after a broken connection, and after
// an earlier call with the same IdempotencyKey that did not end, it goes on where the
// stored bytes end. It gives up after as many attempts in a row as Send, of which none
// stored anything. An *Error of status 410 means that the earlier upload has ended:
// begin anew with another key.
func (c *Client) SendResumable(ctx context.Context, s Sending) (resource.Accepted, error) {
	s.IdempotencyKey = cmp.Or(s.IdempotencyKey, NewIdempotencyKey())
	file, size, err := open(s.Path)
	if err != nil {
		return resource.Accepted{}, err
	}
	defer file.Close()
	r := &resuming{Client: c, Sending: s, file: file, size: size}
	for attempt, first := 1, true; ; attempt, first = attempt+1, false {
		before := r.offset
		err := r.attempt(ctx)
		if err == nil {
			return r.accepted()
		}
		if r.offset > before {
			attempt = 1
		}
		if attempt >= sendAttempts || !resumes(err) || first && refused(err) {
			return resource.Accepted{}, err
		}
		wait := max(500*time.Millisecond<<(attempt-1), waitOf(err))
		if s.Retry != nil {
			s.Retry(err, wait)
		}
		if err := c.pause(ctx, wait); err != nil {
			return resource.Accepted{}, err
		}
	}
}

// errPartly means that the server took a request in order, but not all of its bytes.
var errPartly = errors.New("the server has not stored all bytes")

// resumes reports whether an upload may go on after err: another request, perhaps one
// whose connection broke, was writing it, or the failure passes.
func resumes(err error) bool {
	if refusal, ok := errors.AsType[*Error](err); ok {
		switch refusal.Problem.Status {
		case http.StatusLocked, http.StatusRequestTimeout:
			return true
		case http.StatusConflict:
			return refusal.Problem.Type == resource.ProblemType+"offset-conflict"
		}
	}
	return errors.Is(err, errPartly) || again(err)
}

// resuming is one call of SendResumable.
type resuming struct {
	*Client
	Sending
	file *os.File
	size int64

	id orak.UploadID
	// offset is how many bytes the server has, as far as is known.
	offset int64
	// stored is the digest that the server reports; "" if it reports none.
	stored string
}

// attempt begins the upload, or finds where it stands, and sends what is missing.
func (r *resuming) attempt(ctx context.Context) error {
	location, err := r.begin(ctx)
	if err != nil || r.offset == r.size {
		return err
	}
	if _, err := r.file.Seek(r.offset, io.SeekStart); err != nil {
		return fmt.Errorf("reading the recording: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(stallTimeout, func() { cancel(errStalled) })
	defer stalled.Stop()
	from := r.offset
	body := &meter{r: r.file, sum: sha256.New(), moved: func(sent int64) {
		stalled.Reset(stallTimeout)
		r.progress(from + sent)
	}}
	req, err := r.tus(ctx, http.MethodPatch, location, io.LimitReader(body, r.size-from))
	if err != nil {
		return err
	}
	req.ContentLength = r.size - from
	req.Header.Set("Content-Type", "application/offset+octet-stream")
	req.Header.Set("Upload-Offset", strconv.FormatInt(from, 10))
	if err := r.exchange(req); err != nil {
		return err
	}
	if r.offset < r.size {
		return errPartly
	}
	return nil
}

func (r *resuming) progress(sent int64) {
	if r.Progress != nil {
		r.Progress(sent, r.size)
	}
}

// begin creates the upload, unless there is one of the same key.
func (r *resuming) begin(ctx context.Context) (location string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTimeout, errNoAnswer)
	defer cancel()
	req, err := r.tus(ctx, http.MethodPost, "/v1/tus", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Upload-Length", strconv.FormatInt(r.size, 10))
	req.Header.Set("Upload-Metadata", r.metadata())
	req.Header.Set(resource.HeaderIdempotencyKey, r.IdempotencyKey)
	resp, err := r.do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if err := r.read(resp); err != nil {
		return "", err
	}
	if r.id, err = orak.ParseUploadID(path.Base(resp.Header.Get("Location"))); err != nil {
		return "", fmt.Errorf("%s: its answer has no id: %w", r.base, err)
	}
	r.progress(r.offset)
	return "/v1/tus/" + string(r.id), nil
}

func (r *resuming) tus(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := r.request(ctx, method, path, body)
	if err == nil {
		req.Header.Set("Tus-Resumable", "1.0.0")
	}
	return req, err
}

func (r *resuming) exchange(req *http.Request) error {
	resp, err := r.do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return r.read(resp)
}

// read takes where the upload stands from an answer.
func (r *resuming) read(resp *http.Response) error {
	offset, err := strconv.ParseInt(resp.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || offset < 0 || offset > r.size {
		return fmt.Errorf("%s: its answer has no valid Upload-Offset", r.base)
	}
	r.offset = offset
	encoded, found := strings.CutPrefix(resp.Header.Get(resource.HeaderReprDigest), "sha-256=:")
	if sum, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(encoded, ":")); found && err == nil {
		r.stored = hex.EncodeToString(sum)
	}
	return nil
}

// metadata is Upload-Metadata.
func (r *resuming) metadata() string {
	pairs := []string{}
	add := func(name, value string) {
		if value != "" {
			pairs = append(pairs, name+" "+base64.StdEncoding.EncodeToString([]byte(value)))
		}
	}
	add("filename", strings.ToValidUTF8(cmp.Or(r.Name, filepath.Base(r.Path)), "_"))
	add("owner", r.Owner)
	add("kind", string(r.Kind))
	add("metadata", string(r.Metadata))
	return strings.Join(pairs, ",")
}

// accepted is what the server accepted. The digest is that of the file, which the
// server's must be.
func (r *resuming) accepted() (resource.Accepted, error) {
	sum := sha256.New()
	_, err := r.file.Seek(0, io.SeekStart)
	if err == nil {
		_, err = io.Copy(sum, r.file)
	}
	if err != nil {
		return resource.Accepted{}, fmt.Errorf("reading the recording: %w", err)
	}
	accepted := resource.Accepted{
		ID: r.id, Status: orak.StatusQueued, Size: r.size, SHA256: hex.EncodeToString(sum.Sum(nil)), Links: resource.LinksOf(r.id),
	}
	if r.stored != "" && r.stored != accepted.SHA256 {
		return accepted, fmt.Errorf("%w: sent sha256 %s, stored %q", ErrChanged, accepted.SHA256, r.stored)
	}
	return accepted, nil
}
