package stack

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"testing"
	"time"
)

// API is one API role in its own process, on real servers and without
// authentication.
type API struct {
	*Child
	// Addr is the API's address, Admin that of its metrics.
	Addr, Admin string
}

// StartAPI is LaunchAPI for a test, which fails with it.
func StartAPI(t testing.TB, program, setup string, servers *Servers, bucket string, settings ...string) *API {
	t.Helper()
	a, err := LaunchAPI(program, setup, servers, bucket, settings...)
	if err != nil {
		t.Fatalf("starting the API: %v", err)
	}
	return a
}

// LaunchAPI runs `orak api` of a program with the servers, a bucket and further settings
// ("ORAK_API_MAX_UPLOADS=8"), and returns once it is ready. A shell runs it after setup,
// which may lower limits ("ulimit -n 64"); ":" changes nothing. The caller ends it.
func LaunchAPI(program, setup string, servers *Servers, bucket string, settings ...string) (*API, error) {
	cmd := exec.Command("sh", "-c", setup+` && exec "$0" api 2>&1`, program)
	cmd.Env = Environ(append([]string{
		"ORAK_API_ADDR=127.0.0.1:0", "ORAK_AUTH=none", "ORAK_ADMIN_LISTEN=127.0.0.1:0", "ORAK_LOG_FORMAT=json", "ORAK_S3_ENDPOINT=" + servers.S3, "ORAK_S3_BUCKET=" + bucket,
		"ORAK_S3_ACCESS_KEY=" + servers.S3AccessKey, "ORAK_S3_SECRET_KEY=" + servers.S3SecretKey,
		"ORAK_KAFKA_BROKERS=" + servers.Kafka, "ORAK_TEMPORAL_ADDRESS=" + servers.Temporal,
	}, settings...)...)
	addresses := map[string]chan string{"the API is serving": make(chan string, 1), "health checks and metrics are served": make(chan string, 1)}
	child, err := Run(cmd, func(logged string) bool {
		var line struct{ Msg, Addr string }
		if json.Unmarshal([]byte(logged), &line) == nil && addresses[line.Msg] != nil {
			addresses[line.Msg] <- line.Addr
		}
		return false
	})
	if err != nil {
		return nil, err
	}
	a := &API{Child: child}
	deadline := time.After(readyTimeout)
	fail := func(what string) (*API, error) {
		a.Kill()
		return nil, fmt.Errorf("%s\n%s", what, a.Output())
	}
	for msg, into := range map[string]*string{"the API is serving": &a.Addr, "health checks and metrics are served": &a.Admin} {
		select {
		case *into = <-addresses[msg]:
		case <-a.Exited():
			return fail("the API ended")
		case <-deadline:
			return fail("the API does not serve")
		}
	}
	for Status("http://"+a.Addr+"/readyz") != http.StatusOK {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			return fail("the API is not ready")
		}
	}
	return a, nil
}
