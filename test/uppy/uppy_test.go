package uppy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/api/resource"
	"orak/internal/media/mediatest"
	"orak/test/stack"
)

func TestUppySendsRecordingsToTheStore(t *testing.T) {
	service := stack.StartUp(t, stack.Options{Env: []string{"ORAK_AUTH=required", "ORAK_LOG_LEVEL=warn"}})
	small := mediatest.WAV(16000, 1, mediatest.Tune(16000))
	large := mediatest.WAV(48000, 1, make([]int16, 8_000_000))
	for name, c := range map[string]struct {
		content []byte
		how     []string
	}{
		"one PUT":                    {small, nil},
		"parts":                      {large, []string{"multipart"}},
		"parts whose sending failed": {large, []string{"multipart", "cut"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "take.wav")
			require.NoError(t, os.WriteFile(path, c.content, 0o600))
			cmd := exec.CommandContext(t.Context(), "node", append([]string{"upload.mjs", service.API, path}, c.how...)...)
			cmd.Env = append(os.Environ(), "ORAK_API_KEY="+service.APIKey)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			require.NoError(t, err, "%s", &stderr)
			var u resource.Upload
			require.NoError(t, json.Unmarshal(out, &u), "%s", out)
			sum := sha256.Sum256(c.content)
			require.Equal(t, hex.EncodeToString(sum[:]), u.SHA256)
			require.Equal(t, int64(len(c.content)), u.Size)
			require.Equal(t, "take.wav", u.Filename)
		})
	}
}
