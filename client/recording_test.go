package client

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
)

// helloDigest is the SHA-256 of "hello".
const helloDigest = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"

func TestRecordingIsReadAndVerified(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, digest, body string
		cut                bool
		want               func(t *testing.T, text string, err error)
	}{
		{"whole", "md5=:x:, " + helloDigest, "hello", false, func(t *testing.T, text string, err error) {
			require.NoError(t, err)
			require.Equal(t, "hello", text)
		}},
		{"without a digest", "", "hello", false, func(t *testing.T, _ string, err error) { require.NoError(t, err) }},
		{"changed", helloDigest, "jello", false, func(t *testing.T, _ string, err error) { require.ErrorIs(t, err, ErrChanged) }},
		{"cut off", helloDigest, "hel", true, func(t *testing.T, _ string, err error) {
			var down *Unreachable
			require.ErrorAs(t, err, &down)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != uploadPath(testID)+"/original" {
					w.WriteHeader(http.StatusTeapot)
					return
				}
				w.Header().Set("Content-Type", "audio/mp4; x=y")
				w.Header().Set("Content-Length", "5")
				if c.digest != "" {
					w.Header().Set("Repr-Digest", c.digest)
				}
				_, _ = io.WriteString(w, c.body)
				if c.cut {
					w.(http.Flusher).Flush()
					cut(w)
				}
			})
			rec, err := b.Original(t.Context(), testID)
			require.NoError(t, err)
			defer rec.Close()
			require.EqualValues(t, 5, rec.Size)
			require.Equal(t, "audio/mp4", rec.MediaType)
			text, err := io.ReadAll(rec)
			c.want(t, string(text), err)
		})
	}
}

func TestRecordingThatIsNotThereIsARefusal(t *testing.T) {
	t.Parallel()
	b := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusConflict, resource.Problem{Title: "Not yet"})
	})
	_, err := b.Audio(t.Context(), testID)
	require.EqualError(t, err, "Not yet (409)")
}

func TestRecordingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	b := setup(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	rec, err := b.Audio(ctx, testID)
	require.NoError(t, err)
	defer rec.Close()
	end()
	_, err = io.ReadAll(rec)
	require.ErrorIs(t, err, context.Canceled)
}

func TestCancellationIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	var asked []string
	b := setup(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.RequestURI())
		switch len(asked) {
		case 1:
			answer(w, http.StatusAccepted, state(orak.StatusDeadLettered))
		case 2:
			answer(w, http.StatusOK, state(orak.StatusDeadLettered))
		case 3:
			cut(w)
		default:
			answer(w, http.StatusOK, state(orak.StatusCanceled))
		}
	})
	u, err := b.Cancel(t.Context(), testID, "a & b")
	require.NoError(t, err)
	require.Equal(t, orak.StatusDeadLettered, u.Status)
	u, err = b.AwaitFinal(t.Context(), testID)
	require.NoError(t, err)
	require.Equal(t, orak.StatusCanceled, u.Status)
	require.Equal(t, "POST "+uploadPath(testID)+"/cancel?reason=a+%26+b", asked[0])
	require.Equal(t, "GET "+uploadPath(testID), asked[3])
}
