package webhooks_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/internal/standardwebhooks"
)

// The library of Standard Webhooks for JavaScript accepts what is sent, with either of two
// secrets, and refuses what was changed.
func TestRequestsVerifyInJavaScript(t *testing.T) {
	keys, err := standardwebhooks.ParseKeys([]string{"a=" + strings.Repeat("QUJD", 11) + "QQ=="})
	require.NoError(t, err)
	var secrets []standardwebhooks.Secret
	for _, salt := range []string{"one salt of 16 b", "two salt of 16 b"} {
		s, err := keys.Secret("a", []byte(salt), "wh1")
		require.NoError(t, err)
		secrets = append(secrets, s)
	}
	type line struct {
		Secret  string            `json:"secret"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	}
	got := make(chan line, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		l := line{Headers: map[string]string{}, Body: string(body)}
		for name := range r.Header {
			l.Headers[strings.ToLower(name)] = r.Header.Get(name)
		}
		got <- l
	}))
	defer receiver.Close()
	s := standardwebhooks.NewSender(standardwebhooks.Config{Ports: []string{"443"}, AllowInsecure: true, Timeout: 5 * time.Second}, nil)
	defer s.Close()
	_, err = s.Send(t.Context(), standardwebhooks.Request{
		URL: receiver.URL, ID: "01a22518-53dd-7104-a2d4-0dd378414f56/end/1", Body: []byte(`{"type":"orak.upload.completed","data":{"owner":"Ünï"}}`), Secrets: secrets,
	})
	require.NoError(t, err)

	var input bytes.Buffer
	lines := json.NewEncoder(&input)
	sent := <-got
	for _, secret := range secrets {
		sent.Secret = secret.Reveal()
		require.NoError(t, lines.Encode(sent))
	}
	sent.Body += " "
	require.NoError(t, lines.Encode(sent))

	folder, err := filepath.Abs("javascript")
	require.NoError(t, err)
	install := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	install.Dir = folder
	text, err := install.CombinedOutput()
	require.NoError(t, err, "%s", text)
	verify := exec.CommandContext(t.Context(), "node", "verify.js")
	verify.Dir, verify.Stdin = folder, &input
	text, err = verify.CombinedOutput()
	require.NoError(t, err, "%s", text)
	answers := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Len(t, answers, 3)
	require.Equal(t, []string{"ok orak.upload.completed", "ok orak.upload.completed"}, answers[:2])
	require.Contains(t, answers[2], "refused")
}
