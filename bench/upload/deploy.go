package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"orak/bench/uploads"
	"orak/test/stack"
)

// bucket is where both put recordings.
const bucket = "orak"

// patience bounds the start and the end of a process.
const patience = 30 * time.Second

// deployment is what a run measures.
type deployment struct {
	servers stack.Servers
	// api and tusd are URLs; tusd is "" unless it runs.
	api, tusd string
	close     func() error
}

// deploy runs the whole stack, or the API alone beside the servers.
func deploy(o options, env []string) (deployment, error) {
	if !o.rest {
		p, err := stack.Launch("up", stack.Options{Binary: o.binary, Env: env, Args: []string{"--reuse-analyses=false", "--log-level=warn"}})
		if err != nil {
			return deployment{}, err
		}
		return deployment{servers: p.Servers, api: p.API, close: p.Close}, nil
	}
	p, err := stack.Launch("servers", stack.Options{Binary: o.binary})
	if err != nil {
		return deployment{}, err
	}
	api, err := stack.LaunchAPI(o.orak, ":", &p.Servers, bucket, env...)
	if err != nil {
		return deployment{}, errors.Join(err, p.Close())
	}
	d := deployment{servers: p.Servers, api: "http://" + api.Addr}
	d.close = func() error { return errors.Join(api.End(syscall.SIGTERM, patience), p.Close()) }
	if o.tusd == "" {
		return d, nil
	}
	tusd, err := d.runTusd(o.tusd)
	if err != nil {
		return deployment{}, errors.Join(err, d.close())
	}
	both := d.close
	d.close = func() error { tusd.Kill(); return both() }
	return d, nil
}

// runTusd runs a tusd on the same store, and sets d.tusd.
func (d *deployment) runTusd(program string) (*stack.Child, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := free.Addr().(*net.TCPAddr).Port
	if err := free.Close(); err != nil {
		return nil, err
	}
	cmd := exec.Command(program, "-host", "127.0.0.1", "-port", strconv.Itoa(port), "-base-path", "/files/", "-s3-bucket", bucket, "-s3-endpoint", "http://"+d.servers.S3, "-s3-object-prefix", "bench/tusd/", "-show-greeting=false", "-verbose=false")
	cmd.Env = append(os.Environ(), "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID="+d.servers.S3AccessKey, "AWS_SECRET_ACCESS_KEY="+d.servers.S3SecretKey)
	child, err := stack.Run(cmd, func(string) bool { return false })
	if err != nil {
		return nil, err
	}
	d.tusd = fmt.Sprintf("http://127.0.0.1:%d/files/", port)
	for deadline := time.Now().Add(patience); stack.Status(d.tusd) == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			child.Kill()
			return nil, fmt.Errorf("tusd does not answer:\n%s", child.Output())
		}
	}
	return child, nil
}

// postTus creates an upload with all of its bytes in one request.
func postTus(ctx context.Context, client *http.Client, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"Tus-Resumable": "1.0.0", "Upload-Length": strconv.Itoa(len(body)), "Content-Type": "application/offset+octet-stream",
	} {
		req.Header.Set(name, value)
	}
	header, err := uploads.Send(client, req, http.StatusCreated)
	if err != nil {
		return fmt.Errorf("tusd: %w", err)
	}
	if got := header.Get("Upload-Offset"); got != strconv.Itoa(len(body)) {
		return fmt.Errorf("tusd: the offset is %q", got)
	}
	return nil
}
