package api_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"orak/internal/auth"
	"orak/internal/temporal"
)

// codecKeys are keys of a codec.
func codecKeys(fill string) []string {
	return []string{"2026-01=" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(fill, 32)))}
}

// withCodec serves the codec in a mode; it has keys unless fill is empty.
func withCodec(mode, fill string) func(*bundle) {
	return func(b *bundle) {
		b.cfg.Codec = mode
		b.cfg.Origins = []string{"https://temporal.example.org"}
		if fill != "" {
			b.deps.Codec = temporal.Config{CodecKeys: codecKeys(fill)}.Codec()
		}
	}
}

// encryptedPayloads returns a request with one encrypted payload and one that is not.
func encryptedPayloads(t *testing.T, fill string) string {
	t.Helper()
	plain := &common.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`"a song"`)}
	coded, err := temporal.Config{CodecKeys: codecKeys(fill)}.Codec().Encode([]*common.Payload{plain})
	require.NoError(t, err)
	text, err := protojson.Marshal(&common.Payloads{Payloads: append(coded, plain)})
	require.NoError(t, err)
	require.NotContains(t, string(text), base64.StdEncoding.EncodeToString([]byte(`"a song"`))+`"},{`)
	return string(text)
}

func decoded(t *testing.T, r reply) []string {
	t.Helper()
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "no-store", r.header.Get("Cache-Control"))
	var got common.Payloads
	require.NoError(t, protojson.Unmarshal(r.body, &got))
	var texts []string
	for _, p := range got.GetPayloads() {
		texts = append(texts, string(p.GetData()))
	}
	return texts
}

// The requests are those of the Temporal Web UI, with the token of a person who operates
// every tenant.
func TestWebUIDecodesPayloadsWithAnOperatorsKey(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t, withCodec("decode", "k"))
	_, operator := g.key(auth.NewKey{Tenant: auth.EveryTenant, Scopes: []auth.Scope{auth.ScopeOperate}})
	_, ofTenant := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	_, reader := g.key(auth.NewKey{Tenant: auth.EveryTenant, Scopes: []auth.Scope{auth.ScopeRead}})
	body := encryptedPayloads(t, "k")
	origin := header{"Origin", "https://temporal.example.org"}

	ask := g.request(http.MethodOptions, "/v1/codec/decode", nil, origin)
	ask.Header.Set("Access-Control-Request-Method", http.MethodPost)
	ask.Header.Set("Access-Control-Request-Headers", "authorization,content-type,x-namespace")
	preflight := g.do(ask)
	require.Equal(t, http.StatusNoContent, preflight.status)
	require.Equal(t, origin[1], preflight.header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, strings.ToLower(preflight.header.Get("Access-Control-Allow-Headers")), "x-namespace")
	require.Empty(t, preflight.header.Get("Access-Control-Allow-Credentials"), "cookies are not accepted")

	namespace := header{"X-Namespace", "default"}
	r := g.post("/v1/codec/decode", body, operator, origin, namespace)
	require.Equal(t, []string{`"a song"`, `"a song"`}, decoded(t, r))
	require.Equal(t, origin[1], r.header.Get("Access-Control-Allow-Origin"))

	problem(t, g.post("/v1/codec/decode", body, origin), http.StatusUnauthorized, "unauthenticated")
	problem(t, g.post("/v1/codec/decode", body, reader, origin), http.StatusForbidden, "missing-scope")
	problem(t, g.post("/v1/codec/decode", body, ofTenant, origin), http.StatusForbidden, "foreign-tenant")
	problem(t, g.post("/v1/codec/decode", body, operator, header{"Origin", "https://evil.example"}), http.StatusForbidden, "cross-site")
	problem(t, g.post("/v1/codec/encode", body, operator), http.StatusNotFound, "not-found")
	problem(t, g.post("/v1/codec/decode", encryptedPayloads(t, "x"), operator), http.StatusBadRequest, "invalid-request")
	problem(t, g.post("/v1/codec/decode", `{"payloads":[null]}`, operator), http.StatusBadRequest, "invalid-request")
	problem(t, g.post("/v1/codec/decode", `[]`, operator), http.StatusBadRequest, "invalid-request")
	problem(t, g.post("/v1/codec/decode", `{"payloads":[{"data":"`+strings.Repeat("A", 9<<20)+`"}]}`, operator), http.StatusRequestEntityTooLarge, "too-large")
}

func TestCodecIsServedOnlyIfAskedFor(t *testing.T) {
	t.Parallel()
	off := setup(t, withCodec("off", "k"))
	problem(t, off.post("/v1/codec/decode", encryptedPayloads(t, "k")), http.StatusNotFound, "not-found")

	both := setup(t, withCodec("both", "k"))
	coded := both.post("/v1/codec/encode", `{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"IkEgc29uZyI="}]}`)
	require.NotContains(t, decoded(t, coded)[0], "A song")
	require.Equal(t, []string{`"A song"`}, decoded(t, both.post("/v1/codec/decode", string(coded.body))))

	without := setup(t, withCodec("decode", ""))
	require.Equal(t, []string{`"A song"`}, decoded(t, without.post("/v1/codec/decode", `{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"IkEgc29uZyI="}]}`)))
}
