package stack

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Orak builds the command orak and returns its path.
func Orak(t testing.TB) string {
	t.Helper()
	return filepath.Join(once(t, "build:orak"), "orak")
}

// OperatorTools builds what operators type, the real temporal and tctl and
// orak itself, and returns the folder that has them. Where the machine has
// never built them that takes minutes.
func OperatorTools(t testing.TB) (bin string) {
	t.Helper()
	return once(t, "operators")
}

// once runs a task that builds into bin/, and returns that folder. Test
// binaries that want it at the same time take turns, so that the first builds
// and the others find.
func once(t testing.TB, task string) (bin string) {
	t.Helper()
	root, err := workspace()
	if err != nil {
		t.Fatal(err)
	}
	bin = filepath.Join(root, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatalf("making the folder of binaries: %v", err)
	}
	lock, err := os.OpenFile(filepath.Join(bin, ".tools.lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatalf("opening the lock of the tools: %v", err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatalf("locking the tools: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "tool", "task", task)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(root, "go.work"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", task, err, out)
	}
	return bin
}
