package api_test

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
)

var (
	tusVersion = header{"Tus-Resumable", "1.0.0"}
	tusBytes   = header{"Content-Type", "application/offset+octet-stream"}
)

// tusPair is one pair of Upload-Metadata.
func tusPair(name, value string) string {
	return name + " " + base64.StdEncoding.EncodeToString([]byte(value))
}

// begin creates a resumable upload and returns its path.
func (b *bundle) begin(size int, headers ...header) string {
	b.t.Helper()
	r := b.do(b.request(http.MethodPost, "/v1/tus", nil, append([]header{tusVersion, {"Upload-Length", strconv.Itoa(size)}}, headers...)...))
	require.Equal(b.t, http.StatusCreated, r.status, "%s", r.body)
	require.Equal(b.t, "0", r.header.Get("Upload-Offset"))
	return "/v1/" + r.header.Get("Location")
}

func (b *bundle) patch(path string, offset int, content []byte, headers ...header) reply {
	b.t.Helper()
	headers = append([]header{tusVersion, tusBytes, {"Upload-Offset", strconv.Itoa(offset)}}, headers...)
	return b.do(b.request(http.MethodPatch, path, bytes.NewReader(content), headers...))
}

// offset asks how much of an upload is stored.
func (b *bundle) offset(path string) int {
	b.t.Helper()
	r := b.do(b.request(http.MethodHead, path, nil, tusVersion))
	require.Equal(b.t, http.StatusOK, r.status)
	require.Equal(b.t, "no-store", r.header.Get("Cache-Control"))
	n, err := strconv.Atoi(r.header.Get("Upload-Offset"))
	require.NoError(b.t, err)
	return n
}

// cut sends a PATCH that declares all of content, and closes the connection after the
// first bytes of it.
func (b *bundle) cut(path string, offset int, content []byte, sent int) {
	b.t.Helper()
	conn, err := net.Dial("tcp", b.Addr())
	require.NoError(b.t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: %s\r\nTus-Resumable: 1.0.0\r\nContent-Type: %s\r\nUpload-Offset: %d\r\nContent-Length: %d\r\n\r\n",
		path, b.Addr(), tusBytes[1], offset, len(content))
	require.NoError(b.t, err)
	_, err = conn.Write(content[:sent])
	require.NoError(b.t, err)
	b.eventually(func() bool { return strings.Contains(b.gathered(), "orak_tus_requests 1") }, "the request runs")
	require.NoError(b.t, conn.Close())
	b.eventually(func() bool { return strings.Contains(b.gathered(), "orak_tus_requests 0") }, "the request has ended")
}

// arrived requires that the recording is stored and announced, and that nothing else
// of the upload is left.
func (b *bundle) arrived(path string, content []byte) orak.Upload {
	b.t.Helper()
	u := uploadOf(b.t, b.announced(1)[0])
	require.Equal(b.t, path[strings.LastIndex(path, "/")+1:], string(u.ID))
	sum := sha256.Sum256(content)
	require.Equal(b.t, hex.EncodeToString(sum[:]), u.SHA256)
	require.Equal(b.t, int64(len(content)), u.Size)
	stored, _, err := b.store.Get(b.t.Context(), u.Key)
	require.NoError(b.t, err)
	defer stored.Close()
	got, err := io.ReadAll(stored)
	require.NoError(b.t, err)
	require.True(b.t, bytes.Equal(content, got))
	b.eventually(func() bool { return len(b.keys()) == 1 }, "nothing but the recording is left")
	require.Equal(b.t, len(content), b.offset(path))
	if small := len(content) < 5<<20; small {
		r := b.do(b.request(http.MethodHead, path, nil, tusVersion))
		require.Equal(b.t, "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":", r.header.Get("Repr-Digest"))
	}
	for range b.store.Multiparts(b.t.Context(), "") {
		b.t.Error("a multipart upload is left")
	}
	return u
}

func TestTusCompletesInAnyPieces(t *testing.T) {
	for name, sizes := range map[string][]int{
		"one request":              {100_000},
		"small requests":           {10, 9000, 1, 80_000},
		"more than a part":         {6 << 20, 100},
		"pieces fill a part":       {3 << 20, 1 << 20, 3 << 20, 1000, 1},
		"exactly two parts":        {5 << 20, 5 << 20},
		"a part ends the upload":   {1, 5<<20 - 1},
		"parts beside many pieces": append(sameSizes(70, 3), 7<<20),
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			total := 0
			for _, n := range sizes {
				total += n
			}
			content := wav(total)
			path := b.begin(total, header{"Upload-Metadata", tusPair("filename", "../take 1.wav") + ",filetype YXVkaW8vd2F2," + tusPair("owner", "user-17") + "," + tusPair("metadata", `{"take":3}`) + ",empty"})
			offset := 0
			for _, n := range sizes {
				r := b.patch(path, offset, content[offset:offset+n])
				require.Equal(t, http.StatusNoContent, r.status, "%s", r.body)
				offset += n
				require.Equal(t, strconv.Itoa(offset), r.header.Get("Upload-Offset"))
			}
			u := b.arrived(path, content)
			require.Equal(t, "take 1.wav", u.Filename)
			require.Equal(t, "user-17", u.Owner)
			require.JSONEq(t, `{"take":3}`, string(u.Metadata))
			require.Equal(t, "audio/wav", u.ContentType)
			require.WithinDuration(t, time.Now(), u.ReceivedAt, time.Minute)
		})
	}
}

func sameSizes(n, size int) []int {
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = size
	}
	return sizes
}

func TestTusKeepsWhatArrivedBeforeACut(t *testing.T) {
	b := setup(t)
	content := wav(7 << 20)
	path := b.begin(len(content))
	b.cut(path, 0, content, 700_000)
	require.Equal(t, 700_000, b.offset(path), "what arrived counts")
	b.cut(path, 700_000, content[700_000:], 5<<20)
	require.Equal(t, 700_000+5<<20, b.offset(path), "what arrived counts")
	problem(t, b.patch(path, 5, content[5:100]), http.StatusConflict, "offset-conflict")
	r := b.patch(path, 700_000+5<<20, content[700_000+5<<20:])
	require.Equal(t, http.StatusNoContent, r.status, "%s", r.body)
	b.arrived(path, content)
}

func TestTusTakesOverFromAConnectionThatIsDead(t *testing.T) {
	for name, other := range map[string]func(b *bundle) *bundle{
		"the same instance": func(b *bundle) *bundle { return b },
		"another instance":  (*bundle).replica,
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			second := other(b)
			content := wav(2 << 20)
			path := b.begin(len(content))
			// The first connection stays open and silent, as after a change of networks.
			conn, err := net.Dial("tcp", b.Addr())
			require.NoError(t, err)
			defer conn.Close()
			_, err = fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: %s\r\nTus-Resumable: 1.0.0\r\nContent-Type: %s\r\nUpload-Offset: 0\r\nContent-Length: %d\r\n\r\n", path, b.Addr(), tusBytes[1], len(content))
			require.NoError(t, err)
			_, err = conn.Write(content[:1<<20])
			require.NoError(t, err)
			b.eventually(func() bool { return strings.Contains(b.gathered(), "orak_tus_requests 1") }, "the first request runs")

			began := time.Now()
			// What the first connection sent may just be stored: a client asks again then.
			b.eventually(func() bool {
				offset := second.offset(path)
				r := second.patch(path, offset, content[offset:])
				require.Contains(t, []int{http.StatusNoContent, http.StatusConflict, http.StatusLocked}, r.status, "%s", r.body)
				return r.status == http.StatusNoContent
			}, "the second connection goes on")
			require.Less(t, time.Since(began), 5*time.Second, "nothing waits for a lease")
			b.arrived(path, content)
		})
	}
}

func TestTusInstancesTakeTurns(t *testing.T) {
	b := setup(t)
	turns := []*bundle{b, b.replica()}
	content := wav(11 << 20)
	path := b.begin(len(content))
	for offset, i := 0, 0; offset < len(content); i++ {
		end := min(offset+1_300_000, len(content))
		r := turns[i%2].patch(path, offset, content[offset:end])
		require.Equal(t, http.StatusNoContent, r.status, "%s", r.body)
		offset = end
		require.Equal(t, offset, turns[(i+1)%2].offset(path))
	}
	b.arrived(path, content)
}

func TestTusManyWritersOfOneUploadLeaveItWhole(t *testing.T) {
	b := setup(t)
	turns := []*bundle{b, b.replica()}
	content := wav(6 << 20)
	path := b.begin(len(content))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			at := turns[i%2]
			for offset := 0; offset < len(content) && t.Context().Err() == nil; {
				end := min(offset+900_000, len(content))
				if r := at.patch(path, offset, content[offset:end]); r.status != http.StatusNoContent && r.status != http.StatusConflict && r.status != http.StatusLocked {
					t.Errorf("%d %s", r.status, r.body)
					return
				}
				// Locked means that another writer completes it.
				at.eventually(func() bool {
					r := at.do(at.request(http.MethodHead, path, nil, tusVersion))
					offset, _ = strconv.Atoi(r.header.Get("Upload-Offset"))
					return r.status != http.StatusLocked
				}, "the offset is told")
			}
		})
	}
	wg.Wait()
	b.arrived(path, content)
}

func TestTusChecksumIsAllOrNothing(t *testing.T) {
	b := setup(t)
	content := wav(6 << 20)
	path := b.begin(len(content))
	declared := func(part []byte) header {
		sum := sha1.Sum(part)
		return header{"Upload-Checksum", "sha1 " + base64.StdEncoding.EncodeToString(sum[:])}
	}
	first := content[:4<<20]
	problem(t, b.patch(path, 0, first, declared(content[1:9])), 460, "checksum-mismatch")
	require.Zero(t, b.offset(path))
	for offset := 0; offset < len(content); {
		part := content[offset:min(offset+4<<20, len(content))]
		r := b.patch(path, offset, part, declared(part))
		require.Equal(t, http.StatusNoContent, r.status, "%s", r.body)
		offset += len(part)
	}
	b.arrived(path, content)
}

func TestTusCreationTakesTheFirstBytes(t *testing.T) {
	b := setup(t)
	content := wav(300_000)
	r := b.do(b.request(http.MethodPost, "/v1/tus", bytes.NewReader(content), tusVersion, tusBytes, header{"Upload-Length", "300000"}))
	require.Equal(t, http.StatusCreated, r.status, "%s", r.body)
	require.Equal(t, "300000", r.header.Get("Upload-Offset"))
	b.arrived("/v1/"+r.header.Get("Location"), content)
}

func TestTusTerminatedUploadIsGone(t *testing.T) {
	b := setup(t)
	content := wav(6 << 20)
	path := b.begin(len(content))
	require.Equal(t, http.StatusNoContent, b.patch(path, 0, content[:5<<20+100]).status)
	r := b.do(b.request(http.MethodDelete, path, nil, tusVersion))
	require.Equal(t, http.StatusNoContent, r.status)
	require.Len(t, b.keys(), 1, "the state stays")
	for range b.store.Multiparts(t.Context(), "") {
		t.Error("a multipart upload is left")
	}
	problem(t, b.patch(path, 5<<20+100, content[5<<20+100:]), http.StatusGone, "upload-ended")
	require.Equal(t, http.StatusGone, b.do(b.request(http.MethodHead, path, nil, tusVersion)).status)
	problem(t, b.do(b.request(http.MethodDelete, path, nil, tusVersion)), http.StatusGone, "upload-ended")

	done := b.begin(1000)
	require.Equal(t, http.StatusNoContent, b.patch(done, 0, wav(1000)).status)
	problem(t, b.do(b.request(http.MethodDelete, done, nil, tusVersion)), http.StatusConflict, "upload-complete")
}

func TestTusRefusals(t *testing.T) {
	b := setup(t, func(b *bundle) { b.cfg.MaxUploadBytes = 10 << 20 })
	path := b.begin(1000)
	create := func(headers ...header) reply { return b.do(b.request(http.MethodPost, "/v1/tus", nil, headers...)) }
	length := header{"Upload-Length", "1000"}
	for name, c := range map[string]struct {
		reply  reply
		status int
		code   string
	}{
		"no version":       {create(length), http.StatusPreconditionFailed, "tus-version"},
		"another version":  {create(length, header{"Tus-Resumable", "0.2.2"}), http.StatusPreconditionFailed, "tus-version"},
		"no length":        {create(tusVersion), http.StatusBadRequest, "invalid-request"},
		"deferred length":  {create(tusVersion, header{"Upload-Defer-Length", "1"}), http.StatusBadRequest, "invalid-request"},
		"concatenation":    {create(tusVersion, length, header{"Upload-Concat", "partial"}), http.StatusBadRequest, "invalid-request"},
		"negative length":  {create(tusVersion, header{"Upload-Length", "-1"}), http.StatusBadRequest, "invalid-request"},
		"huge length":      {create(tusVersion, header{"Upload-Length", "9223372036854775808"}), http.StatusBadRequest, "invalid-request"},
		"empty":            {create(tusVersion, header{"Upload-Length", "0"}), http.StatusBadRequest, "empty-body"},
		"too large":        {create(tusVersion, header{"Upload-Length", "10485761"}), http.StatusRequestEntityTooLarge, "too-large"},
		"metadata":         {create(tusVersion, length, header{"Upload-Metadata", "filename !"}), http.StatusBadRequest, "invalid-request"},
		"metadata twice":   {create(tusVersion, length, header{"Upload-Metadata", "a YQ==,a YQ=="}), http.StatusBadRequest, "invalid-request"},
		"kind":             {create(tusVersion, length, header{"Upload-Metadata", tusPair("kind", "other")}), http.StatusBadRequest, "invalid-request"},
		"unknown":          {b.patch("/v1/tus/01993e6e-1f0b-7c3a-9a55-0d3c5c1f2a10", 0, wav(10)), http.StatusNotFound, "not-found"},
		"no id":            {b.patch("/v1/tus/x", 0, wav(10)), http.StatusNotFound, "not-found"},
		"media type":       {b.patch(path, 0, wav(10), header{"Content-Type", "audio/wav"}), http.StatusUnsupportedMediaType, "not-offset-stream"},
		"offset":           {b.patch(path, 1, wav(10)), http.StatusConflict, "offset-conflict"},
		"no offset":        {b.patch(path, 0, wav(10), header{"Upload-Offset", "x"}), http.StatusBadRequest, "invalid-request"},
		"too many bytes":   {b.patch(path, 0, wav(1001)), http.StatusRequestEntityTooLarge, "too-large"},
		"checksum":         {b.patch(path, 0, wav(10), header{"Upload-Checksum", "md5 YQ=="}), http.StatusBadRequest, "invalid-request"},
		"checksum's size":  {b.patch(path, 0, wav(10), header{"Upload-Checksum", "sha1 YQ=="}), http.StatusBadRequest, "invalid-request"},
		"another tenant":   {b.patch(path, 0, wav(10), header{"X-Orak-Tenant", "other"}), http.StatusNotFound, "not-found"},
		"a POST of no use": {b.do(b.request(http.MethodPost, path, nil, tusVersion)), http.StatusMethodNotAllowed, "method-not-allowed"},
	} {
		t.Run(name, func(t *testing.T) { problem(t, c.reply, c.status, c.code) })
	}
	require.Zero(t, b.offset(path), "no refused request counted")
}

func TestTusRefusesWhatIsNoRecording(t *testing.T) {
	for name, n := range map[string]int{"small": 20_000, "of several parts": 6 << 20} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			path := b.begin(n)
			problem(t, b.patch(path, 0, []byte(strings.Repeat("text", n/4))), http.StatusUnsupportedMediaType, "unsupported-media")
			require.Equal(t, http.StatusGone, b.do(b.request(http.MethodHead, path, nil, tusVersion)).status)
			require.Len(t, b.keys(), 1, "the state stays")
		})
	}
}

func TestTusDescribesItself(t *testing.T) {
	b := setup(t)
	for _, path := range []string{"/v1/tus", "/v1/tus/", "/v1/tus/01993e6e-1f0b-7c3a-9a55-0d3c5c1f2a10"} {
		r := b.do(b.request(http.MethodOptions, path, nil))
		require.Equal(t, http.StatusNoContent, r.status)
		require.Equal(t, "1.0.0", r.header.Get("Tus-Version"))
		require.Equal(t, "100000000", r.header.Get("Tus-Max-Size"))
		require.Equal(t, "creation,creation-with-upload,termination,checksum,expiration", r.header.Get("Tus-Extension"))
	}
	meta := tusPair("filename", "a.wav")
	path := b.begin(10, header{"Upload-Metadata", meta})
	r := b.do(b.request(http.MethodHead, path, nil, tusVersion))
	require.Equal(t, meta, r.header.Get("Upload-Metadata"))
	require.Equal(t, "10", r.header.Get("Upload-Length"))
	expires, err := http.ParseTime(r.header.Get("Upload-Expires"))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(b.cfg.Tus.Expiry), expires, time.Minute)
}

func TestTusCreationWithAKeyIsTheSameUpload(t *testing.T) {
	b := setup(t)
	key := header{"Idempotency-Key", "take-1"}
	path := b.begin(1000, key)
	require.Equal(t, path, b.begin(1000, key))
	require.Equal(t, http.StatusNoContent, b.patch(path, 0, wav(1000)).status)
	r := b.do(b.request(http.MethodPost, "/v1/tus", nil, tusVersion, key, header{"Upload-Length", "1000"}))
	require.Equal(t, http.StatusCreated, r.status)
	require.Equal(t, "1000", r.header.Get("Upload-Offset"))
	b.arrived(path, wav(1000))
}

func TestTusRefusesOtherRecordingsOfItsKey(t *testing.T) {
	b := setup(t)
	for name, size := range map[string]int{"in one request": 10_000, "in parts": 6 << 20} {
		t.Run(name, func(t *testing.T) {
			key := header{"Idempotency-Key", name}
			content := wav(size)
			path := b.begin(size, key)
			r := b.do(b.request(http.MethodPost, "/v1/tus", nil, tusVersion, key, header{"Upload-Length", "20"}))
			problem(t, r, http.StatusUnprocessableEntity, "idempotency-conflict")
			require.Equal(t, http.StatusNoContent, b.patch(path, 0, content[:size-100]).status)

			posted := bytes.Clone(content)
			posted[size/2]++
			u := into[resource.Accepted](t, b.upload(posted, key), http.StatusAccepted)
			require.Equal(t, path, "/v1/tus/"+string(u.ID))
			problem(t, b.patch(path, size-100, content[size-100:]), http.StatusUnprocessableEntity, "idempotency-conflict")
			require.Equal(t, posted, b.object(orak.OriginalKey(orak.DefaultTenant, u.ID)))
			require.Equal(t, http.StatusGone, b.patch(path, size-100, content[size-100:]).status)
			r = b.do(b.request(http.MethodPost, "/v1/tus", nil, tusVersion, header{"Idempotency-Key", name}, header{"Upload-Length", "20"}))
			require.Equal(t, http.StatusGone, r.status)
		})
	}
}

func TestTusOfTheRecordingThatWasPostedIsTheSameUpload(t *testing.T) {
	b := setup(t)
	key := header{"Idempotency-Key", "take-1"}
	content := wav(6 << 20)
	path := b.begin(len(content), key)
	into[resource.Accepted](t, b.upload(content, key), http.StatusAccepted)
	require.Equal(t, http.StatusNoContent, b.patch(path, 0, content).status)
	b.arrived(path, content)
	r := b.do(b.request(http.MethodPost, "/v1/tus", nil, tusVersion, key, header{"Upload-Length", "20"}))
	problem(t, r, http.StatusUnprocessableEntity, "idempotency-conflict")
}

func TestUnfinishedTusUploadsOfATenantAreBounded(t *testing.T) {
	b := setup(t, func(b *bundle) { b.cfg.Tus.MaxTenantUploads = 2 })
	key := header{"Idempotency-Key", "take-1"}
	path := b.begin(1000, key)
	b.begin(1000)
	r := b.do(b.request(http.MethodPost, "/v1/tus", nil, tusVersion, header{"Upload-Length", "1000"}))
	problem(t, r, http.StatusTooManyRequests, "too-many-open-uploads")
	require.Contains(t, b.gathered(), "orak_tus_turned_away_total 1")
	require.Equal(t, path, b.begin(1000, key), "a repeat is no further one")
	b.begin(1000, header{"X-Orak-Tenant", "choir"})
	require.Equal(t, http.StatusNoContent, b.patch(path, 0, wav(1000)).status)
	b.begin(1000)
}
