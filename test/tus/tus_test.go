package tus

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
	"orak/internal/media/mediatest"
	"orak/test/stack"
)

// patience bounds every wait, on a busy machine.
const patience = 2 * time.Minute

// fleet is two API processes behind a balancer.
type fleet struct {
	*balancer
	orak    string
	servers *stack.Servers
	bucket  string
	apis    [2]*stack.API
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{orak: stack.Orak(t), servers: stack.Start(t)}
	f.bucket = f.servers.Bucket(t)
	f.run(t, 0)
	f.run(t, 1)
	f.balancer = newBalancer(t, f.apis[0].Addr, f.apis[1].Addr)
	return f
}

// run starts an instance, which ends with t.
func (f *fleet) run(t *testing.T, n int) {
	t.Helper()
	api := stack.StartAPI(t, f.orak, ":", f.servers, f.bucket, "ORAK_LOG_LEVEL=info")
	f.apis[n] = api
	t.Cleanup(func() {
		_ = api.End(syscall.SIGTERM, patience) // it may have been killed
		if t.Failed() {
			t.Logf("the log of instance %d:\n%s", n, api.Output())
		}
	})
}

// killInTheMiddle kills the first instance in the middle of the next body that it gets;
// killed is closed then.
func (f *fleet) killInTheMiddle() (killed <-chan struct{}) {
	struck := make(chan struct{})
	victim := f.apis[0]
	f.strike = func() { victim.Kill(); close(struck) }
	f.armed.Store(true)
	return struck
}

// await waits for what must happen soon.
func await(t *testing.T, what string, happened <-chan struct{}) {
	t.Helper()
	select {
	case <-happened:
	case <-time.After(patience):
		require.Fail(t, what)
	}
}

// requireStored requires that the store has this recording and no other, and no
// unfinished upload.
func (f *fleet) requireStored(t *testing.T, id orak.UploadID, want []byte) {
	t.Helper()
	store := f.servers.Store(t)
	var recordings []string
	for o := range store.ListObjects(t.Context(), f.bucket, minio.ListObjectsOptions{Recursive: true}) {
		require.NoError(t, o.Err)
		_, _, unfinished := orak.ParseTusKey(o.Key)
		require.False(t, unfinished, "%s is left beside upload %s", o.Key, id)
		if path.Base(o.Key) == "original" {
			recordings = append(recordings, o.Key)
		}
	}
	key := orak.OriginalKey(orak.DefaultTenant, id)
	require.Equal(t, []string{key}, recordings)
	object, err := store.GetObject(t.Context(), f.bucket, key, minio.GetObjectOptions{})
	require.NoError(t, err)
	defer object.Close()
	got := sha256.New()
	_, err = io.Copy(got, object)
	require.NoError(t, err)
	sum := sha256.Sum256(want)
	require.Equal(t, sum[:], got.Sum(nil))
	require.NoError(t, store.RemoveObject(t.Context(), f.bucket, key, minio.RemoveObjectOptions{}))
}

// recording returns a file and its content.
func recording(t *testing.T, samples int) (file string, content []byte) {
	t.Helper()
	content = mediatest.WAV(48000, 1, mediatest.Tune(samples))
	file = filepath.Join(t.TempDir(), "take.wav")
	require.NoError(t, os.WriteFile(file, content, 0o600))
	return file, content
}

func TestRecordingsArriveThroughCutsAndKills(t *testing.T) {
	f := newFleet(t)
	for _, client := range []string{"tus", "chunks", "uppy"} {
		t.Run(client, f.arrives(client))
	}
	t.Run("a command that is killed goes on when it is given again", f.commandGoesOn)
	t.Run("an instance that is killed", f.outlives(t))
}

func node(t *testing.T, args ...string) (cmd *exec.Cmd, output *bytes.Buffer) {
	t.Helper()
	cmd = exec.CommandContext(t.Context(), "node", append([]string{"upload.mjs"}, args...)...)
	output = &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = output, output
	return cmd, output
}

// idAt is the id in the URL of an upload.
func idAt(t *testing.T, url string) orak.UploadID {
	t.Helper()
	id, err := orak.ParseUploadID(path.Base(strings.TrimSpace(url)))
	require.NoError(t, err, "%s", url)
	return id
}

func (f *fleet) arrives(client string) func(t *testing.T) {
	return func(t *testing.T) {
		file, content := recording(t, 5_500_000)
		broken := f.broken.Load()
		cmd, output := node(t, client, f.URL, file)
		require.NoError(t, cmd.Run(), "%s", output)
		f.requireStored(t, idAt(t, output.String()), content)
		require.Greater(t, f.broken.Load(), broken+2, "connections were cut")
	}
}

// outlives returns a test that kills an instance in the middle of a body. Another one
// in its place ends with whole.
func (f *fleet) outlives(whole *testing.T) func(t *testing.T) {
	return func(t *testing.T) {
		file, content := recording(t, 5_500_000)
		killed := f.killInTheMiddle()
		cmd, output := node(t, "tus", f.URL, file)
		require.NoError(t, cmd.Start())
		await(t, "an instance gets a body", killed)
		f.run(whole, 0)
		f.point(0, f.apis[0].Addr)
		require.NoError(t, cmd.Wait(), "%s", output)
		f.requireStored(t, idAt(t, output.String()), content)
	}
}

func (f *fleet) commandGoesOn(t *testing.T) {
	file, content := recording(t, 5_000_000)
	upload := func() *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), f.orak, "upload", file, "--json")
		cmd.Env = stack.Environ("ORAK_SERVER="+f.URL, "XDG_CACHE_HOME="+filepath.Dir(file))
		return cmd
	}
	stored := make(chan struct{})
	f.reach(int64(len(content))/2, func() { close(stored) })
	first := upload()
	require.NoError(t, first.Start())
	await(t, "half of the recording passes", stored)
	require.NoError(t, first.Process.Kill())
	require.Error(t, first.Wait())

	before := f.passed.Load()
	out, err := upload().Output()
	require.NoError(t, err)
	var u resource.Accepted
	require.NoError(t, json.Unmarshal(out, &u), "%s", out)
	f.requireStored(t, u.ID, content)
	require.Less(t, f.passed.Load()-before, int64(len(content))*3/4, "the second command began anew")
}
