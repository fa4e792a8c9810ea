package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
	"orak/internal/auth"
)

// beginDirect creates a direct upload.
func (b *bundle) beginDirect(d resource.NewDirect, headers ...header) resource.Direct {
	b.t.Helper()
	r := b.create(d, headers...)
	require.Equal(b.t, "no-store", r.header.Get("Cache-Control"))
	made := into[resource.Direct](b.t, r, http.StatusCreated)
	require.Equal(b.t, made.Links.Self, r.header.Get("Location"))
	require.Equal(b.t, resource.DirectWaiting, made.State)
	return made
}

func (b *bundle) create(d resource.NewDirect, headers ...header) reply {
	b.t.Helper()
	text, err := json.Marshal(d)
	require.NoError(b.t, err)
	return b.post("/v1/uploads/direct", string(text), headers...)
}

// send sends body with a signed request, and returns the status; 0 if the store refused
// it, and closed the connection, before it had the body.
func (b *bundle) send(s resource.SignedRequest, body []byte) int {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), s.Method, s.URL, bytes.NewReader(body))
	require.NoError(b.t, err)
	for name, value := range s.Headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(b.t, err)
	return resp.StatusCode
}

// sendParts sends parts of a recording, and checks what is signed.
func (b *bundle) sendParts(d resource.Direct, content []byte, numbers ...int) {
	b.t.Helper()
	text, err := json.Marshal(resource.SignParts{Numbers: numbers})
	require.NoError(b.t, err)
	signed := into[resource.SignedParts](b.t, b.post(d.Links.Parts, string(text)), http.StatusOK)
	require.Len(b.t, signed.Parts, len(numbers))
	for i, p := range signed.Parts {
		require.Equal(b.t, numbers[i], p.Number)
		from := int64(p.Number-1) * d.PartSize
		require.Equal(b.t, http.StatusOK, b.send(p.SignedRequest, content[from:from+p.Size]))
	}
}

func (b *bundle) complete(d resource.Direct) reply {
	b.t.Helper()
	return b.do(b.request(http.MethodPost, d.Links.Complete, nil))
}

func TestDirectUploadBecomesAnUpload(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, digest := range map[string]bool{"with a digest": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			content := wav(300_000)
			asked := resource.NewDirect{Size: int64(len(content)), Filename: "dir/song.wav", Owner: "kim", Kind: "song", Metadata: `{"take":2}`}
			if digest {
				asked.SHA256 = hexSum(content)
			}
			d := b.beginDirect(asked)
			require.NotNil(t, d.Put)
			require.WithinDuration(t, time.Now().Add(time.Hour), d.ExpiresAt, time.Minute)
			problem(t, b.get(d.Links.Upload), http.StatusConflict, "upload-incomplete")
			problem(t, b.complete(d), http.StatusConflict, "upload-incomplete")
			require.NotEqual(t, http.StatusOK, b.send(*d.Put, append(content, 'x')), "a larger body")
			require.Equal(t, http.StatusOK, b.send(*d.Put, content))

			before := len(b.announced(0))
			r := b.complete(d)
			accepted := into[resource.Accepted](t, r, http.StatusAccepted)
			require.Equal(t, d.ID, accepted.ID)
			require.Equal(t, orak.StatusQueued, accepted.Status)
			require.Equal(t, int64(len(content)), accepted.Size)
			require.Equal(t, hexSum(content), accepted.SHA256)
			require.Equal(t, orak.Metadata(`{"take":2}`), accepted.Metadata)
			require.Equal(t, d.Links.Upload, r.header.Get("Location"))
			again := into[resource.Accepted](t, b.complete(d), http.StatusAccepted)
			require.Equal(t, accepted.SHA256, again.SHA256)
			require.Equal(t, accepted.Links, again.Links)

			var u orak.Upload
			for _, e := range b.announced(before + 1) {
				if e.Subject == d.ID {
					u = uploadOf(t, e)
				}
			}
			require.Equal(t, orak.Upload{
				ID: d.ID, Tenant: orak.DefaultTenant, Key: orak.OriginalKey(orak.DefaultTenant, d.ID), ContentType: "audio/wav", Filename: "song.wav",
				Size: int64(len(content)), SHA256: hexSum(content), ReceivedAt: u.ReceivedAt, Owner: "kim", Kind: orak.KindSong, Metadata: `{"take":2}`,
			}, u)
			require.WithinDuration(t, time.Now(), u.ReceivedAt, time.Minute)
			require.Equal(t, content, b.object(u.Key))
			b.eventually(func() bool { return onlyOriginals(b.keys()) }, "only recordings are left")
		})
	}
}

// onlyOriginals reports whether all keys are those of recordings.
func onlyOriginals(keys []string) bool {
	for _, k := range keys {
		if !strings.HasPrefix(k, "uploads/") {
			return false
		}
	}
	return true
}

// object reads an object.
func (b *bundle) object(key string) []byte {
	b.t.Helper()
	r, _, err := b.store.Get(b.t.Context(), key)
	require.NoError(b.t, err)
	defer r.Close()
	content, err := io.ReadAll(r)
	require.NoError(b.t, err)
	return content
}

func TestDirectUploadInPartsIsResumable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	content := wav(12_000_000)
	d := b.beginDirect(resource.NewDirect{Size: int64(len(content)), PartSize: 5 << 20, SHA256: hexSum(content)})
	require.Nil(t, d.Put)
	require.Equal(t, 3, d.PartCount)
	b.sendParts(d, content, 3, 1)
	problem(t, b.complete(d), http.StatusConflict, "upload-incomplete")
	listed := into[resource.DirectParts](t, b.get(d.Links.Parts), http.StatusOK)
	require.Len(t, listed.Parts, 2)
	require.Equal(t, 1, listed.Parts[0].Number)
	require.Equal(t, int64(5<<20), listed.Parts[0].Size)
	require.NotEmpty(t, listed.Parts[0].ETag)
	require.Equal(t, int64(len(content)-2*(5<<20)), listed.Parts[1].Size)
	for _, numbers := range []string{"[]", "[0]", "[4]", "[-1]", "[1.5]", "null"} {
		problem(t, b.post(d.Links.Parts, `{"numbers":`+numbers+`}`), http.StatusBadRequest, "invalid-request")
	}
	b.sendParts(d, content, 2)
	require.Equal(t, hexSum(content), into[resource.Accepted](t, b.complete(d), http.StatusAccepted).SHA256)
	require.Equal(t, content, b.object(orak.OriginalKey(orak.DefaultTenant, d.ID)))
	b.eventually(func() bool { return onlyOriginals(b.keys()) }, "only the recording is left")
}

func TestDirectUploadsThatAreWrongAreRefusedForGood(t *testing.T) {
	t.Parallel()
	b := setup(t)
	content := wav(10_000)
	for name, c := range map[string]struct {
		sent     []byte
		declared string
		parts    bool
		status   int
		code     string
	}{
		"another digest":    {sent: content, declared: hexSum([]byte("x")), parts: true, status: http.StatusBadRequest, code: "digest-mismatch"},
		"not a recording":   {sent: bytes.Repeat([]byte("<p>"), 100), status: http.StatusUnsupportedMediaType, code: "unsupported-media"},
		"one byte of a WAV": {sent: content[:1], status: http.StatusUnsupportedMediaType, code: "unsupported-media"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := resource.NewDirect{Size: int64(len(c.sent)), SHA256: c.declared}
			if c.parts { // a store checks the digest of one PUT
				asked.PartSize = 5 << 20
			}
			d := b.beginDirect(asked)
			if c.parts {
				b.sendParts(d, c.sent, 1)
			} else {
				require.Equal(t, http.StatusOK, b.send(*d.Put, c.sent))
			}
			for range 2 {
				problem(t, b.complete(d), c.status, c.code)
			}
			r := into[resource.Direct](t, b.get(d.Links.Self), http.StatusOK)
			require.Equal(t, resource.DirectRefused, r.State)
			require.Equal(t, "urn:orak:problem:"+c.code, r.Refusal.Type)
			require.Nil(t, r.Put)
			problem(t, b.get(d.Links.Upload), http.StatusConflict, "upload-incomplete")
			require.NotContains(t, b.keys(), orak.IncomingKey(orak.DefaultTenant, d.ID))
			require.Equal(t, http.StatusNoContent, b.do(b.request(http.MethodDelete, d.Links.Self, nil)).status)
			problem(t, b.get(d.Links.Self), http.StatusNotFound, "not-found")
		})
	}
}

func TestDirectUploadsRefuseInvalidDescriptions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, code := range map[string]string{
		`{}`:                                 "invalid-request",
		`{"size":0}`:                         "invalid-request",
		`{"size":-1}`:                        "invalid-request",
		`{"size":100000001}`:                 "too-large",
		`{"size":1e30}`:                      "invalid-request",
		`{"size":10,"part_size":1}`:          "invalid-request",
		`{"size":10,"part_size":-5}`:         "invalid-request",
		`{"size":10,"sha256":"XYZ"}`:         "invalid-request",
		`{"size":10,"kind":"opera"}`:         "invalid-request",
		`{"size":10,"owner":"a\u0000"}`:      "invalid-request",
		`{"size":10,"metadata":[1]}`:         "invalid-request",
		`{"size":10,"no-such":1}`:            "invalid-request",
		`[`:                                  "invalid-request",
		`{"size":10,"part_size":6000000000}`: "invalid-request",
	} {
		r := b.post("/v1/uploads/direct", body)
		require.Equal(t, code, strings.TrimPrefix(into[resource.Problem](t, r, r.status).Type, "urn:orak:problem:"), body)
		require.Less(t, r.status, 500)
	}
	require.Empty(t, b.keys())
}

func TestDirectUploadsAreRepeatableByTheirKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	content := wav(10_000)
	asked := resource.NewDirect{Size: int64(len(content)), Owner: "kim"}
	key := header{"Idempotency-Key", "k1"}
	d := b.beginDirect(asked, key)
	require.Equal(t, d.ID, into[resource.Direct](t, b.create(asked, key), http.StatusOK).ID)
	other := asked
	other.Owner = "lee"
	problem(t, b.create(other, key), http.StatusUnprocessableEntity, "idempotency-conflict")

	require.Equal(t, http.StatusOK, b.send(*d.Put, content))
	into[resource.Accepted](t, b.complete(d), http.StatusAccepted)
	again := into[resource.Direct](t, b.create(asked, key), http.StatusOK)
	require.Equal(t, resource.DirectAccepted, again.State)
	require.Nil(t, again.Put)
	require.Equal(t, d.ID, into[resource.Accepted](t, b.upload(content, key), http.StatusAccepted).ID, "the same upload by POST")
}

func TestDirectUploadBesideAPostOfItsKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, same := range map[string]bool{"the same recording": true, "another recording": false} {
		content := wav(10_000)
		key := header{"Idempotency-Key", name}
		d := b.beginDirect(resource.NewDirect{Size: int64(len(content))}, key)
		require.Equal(t, http.StatusOK, b.send(*d.Put, content), name)
		posted := bytes.Clone(content)
		if !same {
			posted[5000]++
		}
		into[resource.Accepted](t, b.upload(posted, key), http.StatusAccepted)
		r := b.complete(d)
		if same {
			into[resource.Accepted](t, r, http.StatusAccepted)
		} else {
			problem(t, r, http.StatusUnprocessableEntity, "idempotency-conflict")
		}
		require.Equal(t, posted, b.object(orak.OriginalKey(orak.DefaultTenant, d.ID)), name)
	}
}

func TestOpenDirectUploadsOfATenantAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.cfg.Direct.MaxTenantUploads = 3 })
	var last resource.Direct
	for range 3 {
		last = b.beginDirect(resource.NewDirect{Size: 10})
	}
	r := b.create(resource.NewDirect{Size: 10})
	problem(t, r, http.StatusTooManyRequests, "too-many-open-uploads")
	require.NotEmpty(t, r.header.Get("Retry-After"))
	require.Contains(t, b.gathered(), "orak_direct_turned_away_total 1")
	b.beginDirect(resource.NewDirect{Size: 10}, header{"X-Orak-Tenant", "choir"})
	require.Equal(t, http.StatusNoContent, b.do(b.request(http.MethodDelete, last.Links.Self, nil)).status)
	b.beginDirect(resource.NewDirect{Size: 10})
}

func TestDirectUploadsOfOtherTenantsAreUnknown(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	d := b.beginDirect(resource.NewDirect{Size: 10_000})
	require.Equal(t, http.StatusOK, b.send(*d.Put, wav(10_000)))
	foreign := header{"X-Orak-Tenant", "choir"}
	problem(t, b.get(d.Links.Self, foreign), http.StatusNotFound, "not-found")
	problem(t, b.get(d.Links.Upload, foreign), http.StatusNotFound, "not-found")
	problem(t, b.do(b.request(http.MethodDelete, d.Links.Upload, nil, foreign)), http.StatusNotFound, "not-found")
	problem(t, b.get(d.Links.Parts, foreign), http.StatusNotFound, "not-found")
	problem(t, b.post(d.Links.Parts, `{"numbers":[1]}`, foreign), http.StatusNotFound, "not-found")
	problem(t, b.do(b.request(http.MethodPost, d.Links.Complete, nil, foreign)), http.StatusNotFound, "not-found")
	problem(t, b.do(b.request(http.MethodDelete, d.Links.Self, nil, foreign)), http.StatusNotFound, "not-found")
	into[resource.Accepted](t, b.complete(d), http.StatusAccepted)
}

func TestDirectUploadIsErasedBeforeItIsComplete(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.beginDirect(resource.NewDirect{Size: 10_000})
	require.Equal(t, http.StatusOK, b.send(*d.Put, wav(10_000)))
	require.Equal(t, http.StatusAccepted, b.do(b.request(http.MethodDelete, d.Links.Upload, nil)).status)
	problem(t, b.complete(d), http.StatusGone, "erased")
	require.Equal(t, []string{orak.ErasedKey(orak.DefaultTenant, d.ID)}, withoutMarkers(b.keys()))
}

func withoutMarkers(keys []string) (rest []string) {
	for _, k := range keys {
		if !strings.HasPrefix(k, orak.PendingPrefix) {
			rest = append(rest, k)
		}
	}
	return rest
}

func TestManyCompletionsAcceptADirectUploadOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	replicas := []*bundle{b, b.replica(), b.replica()}
	content := wav(2_000_000)
	d := b.beginDirect(resource.NewDirect{Size: int64(len(content))})
	require.Equal(t, http.StatusOK, b.send(*d.Put, content))
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			if r := replicas[i%3].complete(d); r.status != http.StatusAccepted {
				t.Errorf("%d: %s", r.status, r.body)
			}
		})
	}
	wg.Wait()
	require.Len(t, b.announced(1), 1)
	b.eventually(func() bool {
		return fmt.Sprint(b.keys()) == fmt.Sprint([]string{orak.OriginalKey(orak.DefaultTenant, d.ID)})
	}, "only the recording is left")
}

func TestStoreNotificationCompletesADirectUpload(t *testing.T) {
	t.Parallel()
	b := setup(t)
	content := wav(10_000)
	d := b.beginDirect(resource.NewDirect{Size: int64(len(content))})
	require.Equal(t, http.StatusOK, b.send(*d.Put, content))
	event := fmt.Sprintf(`{"EventName":"s3:ObjectCreated:Put","Records":[{"s3":{"object":{"key":"x"}}},{"s3":{"bucket":{"name":"b"},"object":{"key":%q,"size":7}}}]}`,
		strings.ReplaceAll(orak.IncomingKey(orak.DefaultTenant, d.ID), "/", "%2F"))
	require.Equal(t, http.StatusNoContent, b.post("/v1/store-events", event).status)
	require.Equal(t, d.ID, b.announced(1)[0].Subject)
	into[resource.Accepted](t, b.complete(d), http.StatusAccepted)
	for _, hostile := range []string{`{}`, `{"Records":[{}]}`, `{"Records":[{"s3":{"object":{"key":"incoming/../../x"}}}]}`, `{"Records":[{"s3":{"object":{"key":"%zz"}}}]}`} {
		require.Equal(t, http.StatusNoContent, b.post("/v1/store-events", hostile).status, hostile)
	}
	problem(t, b.post("/v1/store-events", "["), http.StatusBadRequest, "invalid-request")
}

func TestUploadTokenSendsDirectUploadsOfItsOwner(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	_, key := g.key(auth.NewKey{Tenant: "choir", Scopes: []auth.Scope{auth.ScopeUpload}})
	minted := into[resource.UploadToken](t, g.post("/v1/upload-tokens", `{"owner":"singer-7","max_bytes":3000}`, key), http.StatusCreated)
	token := bearing(minted.Token)
	problem(t, g.create(resource.NewDirect{Size: 3001}, token), http.StatusRequestEntityTooLarge, "too-large")
	problem(t, g.create(resource.NewDirect{Size: 2000, Owner: "singer-8"}, token), http.StatusForbidden, "foreign-owner")
	foreign := into[resource.Direct](t, g.create(resource.NewDirect{Size: 2000, Owner: "singer-8"}, key), http.StatusCreated)
	problem(t, g.get(foreign.Links.Self, token), http.StatusNotFound, "not-found")

	d := into[resource.Direct](t, g.create(resource.NewDirect{Size: 2000}, token), http.StatusCreated)
	require.Equal(t, http.StatusOK, g.send(*d.Put, wav(2000)))
	u := into[resource.Upload](t, g.do(g.request(http.MethodPost, d.Links.Complete, nil, token)), http.StatusAccepted)
	require.Equal(t, "singer-7", u.Owner)
}
