package media

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// install runs deploy/install-ffmpeg.sh with only the given programs in PATH. Each
// prints its name and arguments, runs its script, and "installs" into the folder
// that $BIN names.
func install(t *testing.T, uid string, programs map[string]string) (said string, code int) {
	t.Helper()
	bin := t.TempDir()
	sh, err := exec.LookPath("sh")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(sh, filepath.Join(bin, "sh")))
	put := func(name, body string) {
		writeProgram(t, filepath.Join(bin, name), "#!"+sh+"\n"+body)
	}
	put("id", "echo "+uid)
	for name, body := range programs {
		put(name, "echo ["+name+"] \"$@\"\n"+body)
	}
	script, err := filepath.Abs(filepath.Join("..", "..", "deploy", "install-ffmpeg.sh"))
	require.NoError(t, err)
	cmd := exec.Command(sh, script)
	cmd.Env = []string{"PATH=" + bin, "BIN=" + bin}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil {
		require.True(t, errors.As(err, &exit), "%v", err)
		return string(out), exit.ExitCode()
	}
	return string(out), 0
}

// installs is the script of a package manager that succeeds.
const installs = `case "$*" in *ffmpeg*) ` +
	`for p in ffmpeg ffprobe; do echo "#!/bin/sh" > "$BIN/$p"; /bin/chmod +x "$BIN/$p"; done;; esac`

func TestInstallFFmpegScript(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		uid      string
		programs map[string]string
		code     int
		says     []string
	}{
		"does nothing when it is there": {"1000", map[string]string{"ffmpeg": "", "ffprobe": "", "apt-get": "exit 1"}, 0, nil},
		"is not content with ffmpeg alone": {"0", map[string]string{"ffmpeg": "", "apk": installs}, 0,
			[]string{"[apk] add ffmpeg"}},
		"by apt-get as root": {"0", map[string]string{"apt-get": installs}, 0,
			[]string{"installing it: apt-get", "[apt-get] -q update", "[apt-get] -q install -y --no-install-recommends ffmpeg"}},
		"by apt-get with sudo": {"1000", map[string]string{"apt-get": installs, "sudo": `[ "$1" = -n ] && shift; exec "$@"`}, 0,
			[]string{"installing it: sudo sh -c 'apt-get", "[apt-get] -q install"}},
		"by brew without sudo": {"1000", map[string]string{"brew": installs, "sudo": "exit 1"}, 0,
			[]string{"[brew] install ffmpeg"}},
		"by dnf under its other name": {"0", map[string]string{"dnf": `case "$*" in *ffmpeg-free*) ;; *) exit 1;; esac` + "\n" + installs}, 0,
			[]string{"[dnf] install -y ffmpeg-free"}},
		"says what to type without root": {"1000", map[string]string{"apk": installs}, 1,
			[]string{"as root, type: apk add ffmpeg"}},
		"says what to type when sudo wants a password": {"1000", map[string]string{"apk": installs, "sudo": "exit 1"}, 1,
			[]string{"type: sudo sh -c 'apk add ffmpeg'"}},
		"says so when the installation fails": {"0", map[string]string{"apk": "exit 3"}, 1,
			[]string{"the installation failed", "type: apk add ffmpeg"}},
		"says so when nothing was installed": {"0", map[string]string{"apk": ""}, 1, []string{"not in PATH"}},
		"says so where nothing can install":  {"0", nil, 1, []string{"no apt-get, brew, dnf or apk", "ffmpeg.org"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said, code := install(t, tt.uid, tt.programs)
			require.Equal(t, tt.code, code, said)
			for _, want := range tt.says {
				require.Contains(t, said, want)
			}
			if tt.says == nil {
				require.Empty(t, strings.TrimSpace(said))
			}
		})
	}
}
