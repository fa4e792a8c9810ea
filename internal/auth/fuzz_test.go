package auth

import (
	"bytes"
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/control"
)

// The key of the fuzz tests. It is fixed, so that what was found stays meaningful.
const (
	fuzzID     = "fuzzfuzzfuzz"
	fuzzSecret = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
	fuzzTenant = orak.Tenant("choir")
)

// directory is a Directory of one key.
type directory struct{ key control.Key }

// Key implements Directory.
func (d directory) Key(id string) (*control.Key, bool) { return &d.key, id == d.key.ID }

// required is an authenticator with the key of the fuzz tests, and a caller with it.
func required(f *testing.F) (Required, Caller) {
	f.Helper()
	kept, err := keep(fuzzSecret)
	require.NoError(f, err)
	key := control.Key{ID: fuzzID, Tenant: fuzzTenant, Scopes: []string{string(ScopeUpload), string(ScopeRead)}, Secret: kept}
	a := Required{Keys: directory{key}}
	caller, err := a.Authenticate(context.Background(), Request{Authorization: []string{"Bearer " + bearer(fuzzID, fuzzSecret)}})
	require.NoError(f, err)
	return a, caller
}

// requireDenial requires that err is a *Denial that reveals nothing of the credential.
func requireDenial(t *testing.T, err error, credential string) {
	t.Helper()
	var denial *Denial
	require.True(t, errors.As(err, &denial), "%v", err)
	require.NotEmpty(t, denial.Reason)
	if len(credential) > 20 {
		require.NotContains(t, err.Error(), credential)
	}
}

func FuzzAuthenticate(f *testing.F) {
	a, _ := required(f)
	// The processes of a fuzz test share their seeds, so that the token must be the same.
	minted := forged(f, fuzzSecret, `{"id":"x","tenant":"choir","exp":99999999999}`)
	key := bearer(fuzzID, fuzzSecret)
	for _, seed := range []string{
		"", "Bearer", "Bearer ", "Bearer " + key, "bearer   " + key, "Basic " + key, "Bearer " + key + " ", "Bearer " + key + "x",
		"Bearer orak_", "Bearer orak__", "Bearer orak_..", "Bearer " + minted, "Bearer " + strings.ToUpper(minted),
		"Bearer " + minted + "=", "Bearer " + strings.TrimSuffix(minted, "A"), "Bearer " + key + "," + key,
		"Bearer orak_" + fuzzID + ".e30." + strings.Repeat("A", 86), "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer " + strings.Repeat("x", maxBearer+1),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got, err := a.Authenticate(t.Context(), Request{Authorization: []string{header}})
		if err != nil {
			require.Equal(t, Caller{}, got)
			scheme, credential, _ := strings.Cut(header, " ")
			requireDenial(t, err, credential)
			require.False(t, strings.EqualFold(scheme, "Bearer") && credential == key, "the key is admitted")
			return
		}
		credential := strings.Trim(header[len("Bearer"):], " ")
		require.Contains(t, []string{key, minted}, credential, "admitted, and not minted")
		require.Equal(t, fuzzTenant, got.Tenant)
		require.Equal(t, credential == minted, got.Token)
	})
}

// A token may say anything: only the signature of its key makes it one.
func FuzzTokenOfAnotherSecretIsDenied(f *testing.F) {
	a, _ := required(f)
	f.Add("other", `{"id":"x","tenant":"choir","exp":99999999999}`)
	f.Add("", `{}`)
	f.Add(fuzzID, `{"id":"x","tenant":"*","max_bytes":-1,"exp":1e300}`)
	f.Fuzz(func(t *testing.T, secret, content string) {
		if secret == fuzzSecret {
			return
		}
		_, err := a.Authenticate(t.Context(), Request{Authorization: []string{"Bearer " + forged(t, secret, content)}})
		requireDenial(t, err, secret)
	})
}

// Even the holder of the key cannot make a token for another tenant, or for more than
// to upload.
func FuzzTokenOfTheKeyIsBound(f *testing.F) {
	a, _ := required(f)
	f.Add(`{"id":"x","tenant":"choir","exp":99999999999}`)
	f.Add(`{"id":"x","tenant":"other","exp":99999999999}`)
	f.Add(`{"id":"x","tenant":"*","exp":99999999999}`)
	f.Add(`{"id":"x","tenant":"choir","exp":1}`)
	f.Add(`{"id":"x","tenant":"choir","max_bytes":-5,"exp":99999999999}`)
	f.Add(`{"exp":1e400}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, content string) {
		got, err := a.Authenticate(t.Context(), Request{Authorization: []string{"Bearer " + forged(t, fuzzSecret, content)}})
		if err != nil {
			requireDenial(t, err, fuzzSecret)
			return
		}
		require.Equal(t, fuzzTenant, got.Tenant)
		require.Equal(t, []Scope{ScopeUpload}, got.Scopes)
		require.True(t, got.Token)
		_, err = got.Mint(TokenOptions{Tenant: fuzzTenant}, time.Now())
		require.ErrorIs(t, err, ErrNoTokens)
		var c claims
		require.NoError(t, json.Unmarshal([]byte(content), &c))
		require.Greater(t, c.Expires, time.Now().Add(-time.Minute).Unix())
	})
}

// forged is a token with any content that secret has signed.
func forged(t testing.TB, secret, content string) string {
	t.Helper()
	key, err := signingKey(secret)
	require.NoError(t, err)
	signed := fuzzID + "." + base64.RawURLEncoding.EncodeToString([]byte(content))
	signature, err := key.Sign(nil, []byte(tokenContext+"\n"+signed), crypto.Hash(0))
	require.NoError(t, err)
	return prefix + signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func FuzzMintedTokenIsAdmittedUntilItIsChanged(f *testing.F) {
	a, caller := required(f)
	f.Add("kim", int64(1000), uint16(3), byte('x'))
	f.Add("", int64(0), uint16(0), byte(0))
	f.Add("\x00\xff", int64(-1), uint16(999), byte(' '))
	f.Fuzz(func(t *testing.T, owner string, most int64, at uint16, change byte) {
		owner = strings.ToValidUTF8(owner, "") // the API takes no other
		minted, err := caller.Mint(TokenOptions{Tenant: fuzzTenant, Owner: owner, MaxBytes: most, Life: DefaultTokenLife}, time.Now())
		require.NoError(t, err)
		if len(minted.Bearer) > maxBearer {
			return
		}
		got, err := a.Authenticate(t.Context(), Request{Authorization: []string{"Bearer " + minted.Bearer}})
		require.NoError(t, err)
		require.Equal(t, Caller{
			ID: "key/" + fuzzID + "/" + minted.ID, Tenant: fuzzTenant, Scopes: []Scope{ScopeUpload}, Owner: owner, MaxBytes: most, Token: true,
		}, got)

		changed := []byte(minted.Bearer)
		changed[int(at)%len(changed)] = change
		if bytes.Equal(changed, []byte(minted.Bearer)) {
			return
		}
		_, err = a.Authenticate(t.Context(), Request{Authorization: []string{"Bearer " + string(changed)}})
		if strings.TrimRight(string(changed), " ") != minted.Bearer {
			requireDenial(t, err, string(changed))
		}
	})
}

func FuzzParseScopes(f *testing.F) {
	f.Add("upload,read")
	f.Add(" ,admin operate admin")
	f.Add("*")
	f.Fuzz(func(t *testing.T, text string) {
		scopes, err := ParseScopes(text)
		if err != nil {
			require.Empty(t, scopes)
			return
		}
		require.NotEmpty(t, scopes)
		require.Subset(t, Scopes, scopes)
	})
}
