package client

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"orak"
	"orak/api/resource"
)

// Sending is a file to upload.
type Sending struct {
	// Path is a regular file.
	Path string
	// Name is the name of the recording; empty means that of the file.
	Name string
	// IdempotencyKey makes a repeat of the same file the same upload; empty
	// means a new key.
	IdempotencyKey string
	// Owner is the caller's name for the person whose recording it is; see
	// orak.Upload. Kind is what it is of.
	Owner string
	Kind  orak.Kind
	// Metadata is echoed by the API, and in events.
	Metadata orak.Metadata
	// Progress, if set, gets the number of bytes sent, which starts at 0 in
	// every attempt. It is called from another goroutine than Send's.
	Progress func(sent, total int64)
	// Retry, if set, gets the error of a failed attempt and the wait before the
	// next one.
	Retry func(err error, wait time.Duration)
}

const (
	// sendAttempts is the maximum number of attempts for a file.
	sendAttempts = 5
	// stallTimeout is how long an upload may make no progress, the wait for the
	// answer included.
	stallTimeout = 60 * time.Second
)

var errStalled = errors.New("no progress for " + stallTimeout.String())

// ErrNotAFile is returned by Send for a folder, a pipe or a device: their
// length is not known before they are sent.
var ErrNotAFile = errors.New("not a regular file")

// NewIdempotencyKey returns a random key.
func NewIdempotencyKey() string { return "cli-" + strings.ToLower(rand.Text()) }

// Send uploads a file. When the connection breaks or the server is overloaded
// it tries again with the same key, so that there is one upload in the end. If
// the first connection is refused it returns an *Unreachable at once.
func (c *Client) Send(ctx context.Context, s Sending) (resource.Accepted, error) {
	repeat := s.IdempotencyKey != ""
	if !repeat {
		s.IdempotencyKey = NewIdempotencyKey()
	}
	for attempt := 1; ; attempt++ {
		accepted, err := c.sendOnce(ctx, s, repeat || attempt > 1)
		if err == nil || attempt == sendAttempts || !again(err) || attempt == 1 && refused(err) {
			return accepted, err
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

func refused(err error) bool {
	var down *Unreachable
	return errors.As(err, &down) && down.Refused
}

func waitOf(err error) time.Duration {
	if refusal, ok := errors.AsType[*Error](err); ok {
		return refusal.RetryAfter
	}
	return 0
}

// query describes the recording.
func (s Sending) query() string {
	values := url.Values{}
	add := func(name, value string) {
		if value != "" {
			values.Set(name, value)
		}
	}
	add("owner", s.Owner)
	add("kind", string(s.Kind))
	add("metadata", string(s.Metadata))
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// sendOnce makes one attempt. A repeat sends the digest in the header, so that
// a server which has the recording answers without reading the body.
func (c *Client) sendOnce(ctx context.Context, s Sending, repeat bool) (resource.Accepted, error) {
	file, size, err := open(s.Path)
	if err != nil {
		return resource.Accepted{}, err
	}
	defer file.Close()

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(stallTimeout, func() { cancel(errStalled) })
	defer stalled.Stop()

	body := &meter{r: file, sum: sha256.New(), moved: func(sent int64) {
		stalled.Reset(stallTimeout)
		if s.Progress != nil {
			s.Progress(sent, size)
		}
	}}
	req, err := c.request(ctx, http.MethodPost, "/v1/uploads"+s.query(), body)
	if err != nil {
		return resource.Accepted{}, err
	}
	// Otherwise the body would be sent in chunks, and a missing end could not
	// be detected.
	req.ContentLength = size
	if size == 0 {
		req.Body = http.NoBody
	}
	name := cmp.Or(s.Name, filepath.Base(s.Path))
	req.Header.Set("Content-Type", contentType(name))
	req.Header.Set("Content-Disposition", disposition(name))
	req.Header.Set(resource.HeaderIdempotencyKey, s.IdempotencyKey)
	if repeat {
		digest, err := contentDigest(file)
		if err != nil {
			return resource.Accepted{}, err
		}
		req.Header.Set(resource.HeaderContentDigest, digest)
	}

	resp, err := c.do(req)
	if err != nil {
		return resource.Accepted{}, err
	}
	defer resp.Body.Close()
	accepted, err := decode[resource.Accepted](ctx, c, resp)
	if sum, whole := body.digest(size); err == nil && whole && accepted.SHA256 != sum {
		return accepted, fmt.Errorf("%w: sent sha256 %s, stored %q", ErrChanged, sum, accepted.SHA256)
	}
	return accepted, err
}

// contentDigest returns the Content-Digest (RFC 9530) of a file, and rewinds it.
func contentDigest(file *os.File) (string, error) {
	sum := sha256.New()
	_, err := io.Copy(sum, file)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return "", fmt.Errorf("reading the recording: %w", err)
	}
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum.Sum(nil)) + ":", nil
}

// ErrChanged is returned by Send when the server stored other bytes than were
// ErrChanged is returned by Send when the server stored other bytes than were sent, and
// by Recording.Read when others arrive than it has: a network device is faulty, or a
// proxy rewrites bodies.
var ErrChanged = errors.New("the recording was changed in transit")

func open(path string) (*os.File, int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("opening the recording: %w", err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w", path, ErrNotAFile)
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

// meter counts and hashes what the transport reads. The transport may still
// read after the answer has come.
type meter struct {
	r     io.Reader
	moved func(sent int64)

	mu   sync.Mutex
	sum  hash.Hash
	sent int64
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if n > 0 {
		m.mu.Lock()
		m.sent += int64(n)
		m.sum.Write(p[:n])
		sent := m.sent
		m.mu.Unlock()
		m.moved(sent)
	}
	return n, err
}

// digest returns the SHA-256 of the file; whole is false unless all of it was
// read.
func (m *meter) digest(size int64) (sum string, whole bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return hex.EncodeToString(m.sum.Sum(nil)), m.sent == size
}

// contentType guesses from the file name; the server inspects the bytes.
func contentType(name string) string {
	subtype := map[string]string{
		".m4a": "mp4", ".mp4": "mp4", ".mov": "mp4", ".qta": "mp4", ".aac": "aac", ".3gp": "3gpp", ".amr": "amr", ".awb": "amr",
		".mp3": "mpeg", ".ogg": "ogg", ".oga": "ogg", ".opus": "ogg", ".webm": "webm", ".mka": "x-matroska", ".w64": "x-w64",
		".wav": "wav", ".flac": "flac", ".aif": "aiff", ".aiff": "aiff", ".caf": "x-caf",
	}[strings.ToLower(filepath.Ext(name))]
	return "audio/" + cmp.Or(subtype, "*")
}

func disposition(name string) string {
	name = strings.ToValidUTF8(name, "_")
	if d := mime.FormatMediaType("attachment", map[string]string{"filename": name}); d != "" {
		return d
	}
	return "attachment"
}
