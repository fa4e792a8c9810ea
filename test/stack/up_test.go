package stack

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"orak/events"
)

func TestUpServesAgainAfterAKill(t *testing.T) {
	t.Parallel()
	p := StartUp(t, Options{Env: []string{"ORAK_GPU_SLOTS=1"}})
	_, status := fetch(t, p.API+"/readyz")
	require.Equal(t, http.StatusOK, status)
	api := p.API

	p.Kill()
	p.Restart()
	require.Equal(t, api, p.API)
	_, status = fetch(t, api+"/readyz")
	require.Equal(t, http.StatusOK, status)
	p.Stop()
}

func TestUpClearsTheScratchOfAKill(t *testing.T) {
	t.Parallel()
	p := StartUp(t, Options{})
	left := filepath.Join(p.DataDir, "scratch", "left.wav")
	require.NoError(t, os.WriteFile(left, nil, 0o600))
	p.Kill()
	p.Restart()
	require.NoFileExists(t, left)
}

func TestUpSaysWhichSettingsHaveNoEffect(t *testing.T) {
	t.Parallel()
	p := StartUp(t, Options{Env: []string{"ORAK_S3_ENDPOINT=elsewhere:9000"}})
	require.Contains(t, p.Output(), "s3-endpoint is set, and has no effect")
	require.NotContains(t, p.Output(), "temporal-address")
}

func TestUpUsesAnotherKafkaOnRequest(t *testing.T) {
	t.Parallel()
	other := StartServers(t, Options{})
	p := StartUp(t, Options{Args: []string{"--kafka-brokers=" + other.Kafka}})
	require.Equal(t, other.Kafka, p.Kafka)
	topics, err := kadm.NewClient(kafka(t, other)).ListTopics(t.Context())
	require.NoError(t, err)
	require.True(t, topics.Has(events.TopicUploads))
	require.NoFileExists(t, filepath.Join(p.DataDir, "kafka", "meta.json"))
}

func TestUpWithoutFFmpegSaysSoAtOnce(t *testing.T) {
	t.Parallel()
	_, _, err := spawn("", nil, "up", "--data-dir="+t.TempDir(), "--media-ffmpeg=/missing/ffmpeg",
		"--api-port=0", "--admin-port=0", "--temporal-port=0", "--temporal-ui-port=0", "--kafka-port=0", "--s3-port=0")
	require.ErrorContains(t, err, "trying ffmpeg")
	require.ErrorContains(t, err, "go tool task ffmpeg")
}
