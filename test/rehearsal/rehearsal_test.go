package rehearsal

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
	"orak/internal/media/mediatest"
	"orak/test/stack"
)

// A service is back, or an upload completed, within this time on a busy machine.
const patience = 90 * time.Second

func TestUploadCompletesBeforeAndAfterKills(t *testing.T) {
	r := open(t)
	upload(t, r.Setting("ORAK_SERVER"))
	for _, name := range []string{"kafka-2", "postgres", "worker-gpu"} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		killed, err := r.Signal(name, syscall.SIGKILL)
		require.NoError(t, err)
		began := time.Now()
		back, err := r.AwaitHealthy(ctx, name, killed.PID)
		require.NoError(t, err)
		require.Greater(t, back.Restarts, killed.Restarts)
		t.Logf("%s was healthy again after %.1f s and %d restarts", name, time.Since(began).Seconds(), back.Restarts-killed.Restarts)
	}
	upload(t, r.Setting("ORAK_SERVER"))
}

func TestPublishedPortsReachTheServices(t *testing.T) {
	services, err := open(t).Services()
	require.NoError(t, err)
	published := 0
	for name, s := range services {
		for _, address := range s.Ports {
			conn, err := net.Dial("tcp", address)
			require.NoError(t, err, name)
			conn.Close()
			published++
		}
	}
	require.GreaterOrEqual(t, published, 7) // API, S3, Temporal, its Web UI, three brokers
	upload(t, "http://"+services["api"].Ports["8080"])
}

func TestRecordsAreOnSeveralBrokers(t *testing.T) {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(open(t).Setting("ORAK_KAFKA_BROKERS"), ",")...))
	require.NoError(t, err)
	defer client.Close()
	admin := kadm.NewClient(client)
	topics, err := admin.ListTopics(t.Context())
	require.NoError(t, err)
	var names []string
	for _, topic := range events.Topics() {
		require.Contains(t, topics, topic.Name)
		require.Equal(t, 3, topics[topic.Name].Partitions.NumReplicas(), topic.Name)
		names = append(names, topic.Name)
	}
	configs, err := admin.DescribeTopicConfigs(t.Context(), names...)
	require.NoError(t, err)
	for _, config := range configs {
		for _, c := range config.Configs {
			if c.Key == "min.insync.replicas" {
				require.Equal(t, "2", c.MaybeValue(), config.Name)
			}
		}
	}
}

func open(t *testing.T) *stack.Rehearsal {
	t.Helper()
	r, err := stack.OpenRehearsal()
	require.NoError(t, err)
	return r
}

// upload sends a recording of a second with the command line, and awaits its result.
func upload(t *testing.T, server string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tune.wav")
	require.NoError(t, os.WriteFile(file, mediatest.WAV(16000, 1, mediatest.Tune(16000)), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "orak", "upload", "--watch", file) // found by PATH: rehearse puts bin/ there
	cmd.Env = append(os.Environ(), "ORAK_SERVER="+server)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Logf("completed after %.1f s", time.Since(began).Seconds())
}
