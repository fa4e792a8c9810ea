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
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"orak/api/resource"
)

// Sending is one file on its way.
type Sending struct {
	// Path is a regular file.
	Path string
	// Name is what the recording is called; empty means as its file.
	Name string
	// IdempotencyKey makes a repeat of the same file the same upload; empty
	// lets Send make one up, see NewIdempotencyKey.
	IdempotencyKey string
	// Progress is told how many bytes went out, from 0 again in every
	// attempt; nil is fine. It is called from another goroutine than Send's.
	Progress func(sent, total int64)
	// Retry is told why a further attempt follows, and after which wait; nil
	// is fine.
	Retry func(err error, wait time.Duration)
}

const (
	// sendAttempts is how often one file is sent at most.
	sendAttempts = 5
	// stallTimeout is how long an upload may stand still, the wait for its
	// answer included.
	stallTimeout = 60 * time.Second
)

var errStalled = errors.New("nothing moved for " + stallTimeout.String())

// ErrNotAFile is what Send returns for a folder, a pipe or a device, whose
// length cannot be said before they are sent.
var ErrNotAFile = errors.New("not a regular file")

// NewIdempotencyKey is a key that nobody else has.
func NewIdempotencyKey() string { return "cli-" + strings.ToLower(rand.Text()) }

// Send uploads a file. An attempt whose connection breaks, or that the server
// is too busy for, is made again with the same key, so that there is one
// upload in the end. A server at which nothing listens from the beginning is
// reported at once, as *Unreachable.
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
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal.RetryAfter
	}
	return 0
}

// sendOnce is one attempt. A repeat says the digest beforehand: a server that
// has the recording answers without its body.
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
	req, err := c.request(ctx, http.MethodPost, "/v1/uploads", body)
	if err != nil {
		return resource.Accepted{}, err
	}
	// Without this the body would be sent in chunks, of which neither side
	// can tell that some are missing.
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

// contentDigest is RFC 9530's of a file, which stands at its beginning again.
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

// ErrChanged is what Send returns where the server stored something else than
// was sent: a faulty network device, or a proxy that rewrites bodies.
var ErrChanged = errors.New("the recording was changed on its way")

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

// meter counts and digests what the transport reads, which may go on while
// the answer is there already.
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

// digest is that of the whole file; whole is false where not all was read.
func (m *meter) digest(size int64) (sum string, whole bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return hex.EncodeToString(m.sum.Sum(nil)), m.sent == size
}

// contentType is a claim: the server looks at the bytes.
func contentType(name string) string {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".m4a", ".mp4", ".mov", ".qta":
		return "audio/mp4"
	case ".aac":
		return "audio/aac"
	case ".3gp":
		return "audio/3gpp"
	case ".amr", ".awb":
		return "audio/amr"
	case ".mp3":
		return "audio/mpeg"
	case ".ogg", ".oga", ".opus":
		return "audio/ogg"
	case ".webm":
		return "audio/webm"
	case ".mka":
		return "audio/x-matroska"
	case ".w64":
		return "audio/x-w64"
	case ".wav":
		return "audio/wav"
	case ".flac":
		return "audio/flac"
	case ".aif", ".aiff":
		return "audio/aiff"
	case ".caf":
		return "audio/x-caf"
	default:
		return "audio/*"
	}
}

func disposition(name string) string {
	name = strings.ToValidUTF8(name, "_")
	if d := mime.FormatMediaType("attachment", map[string]string{"filename": name}); d != "" {
		return d
	}
	return "attachment"
}
