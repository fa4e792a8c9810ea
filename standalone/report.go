package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"orak/standalone/servers"
)

// readiness is the line of JSON that programs wait for.
type readiness struct {
	Ready bool `json:"ready"`
	PID   int  `json:"pid"`
	// API is the URL of the service; empty without it.
	API string `json:"api,omitempty"`
	// Admin is the URL of the health checks and metrics; empty without the
	// service.
	Admin string `json:"admin,omitempty"`
	// OrakLog is the service's log; empty without it.
	OrakLog string `json:"orak_log,omitempty"`
	// APIKeyFile is the path of the API key's file; empty where callers are not
	// authenticated.
	APIKeyFile string `json:"api_key_file,omitempty"`
	servers.Addresses
}

func (c *upCommand) report(ctx context.Context, w io.Writer, s *stack, took time.Duration) error {
	at := s.servers.Addresses()
	if c.otherKafka {
		at.Kafka = strings.Join(c.App.Kafka.Brokers, ",")
	}
	api, admin := "http://"+s.app.APIAddr(), "http://"+s.app.AdminAddr()
	if c.JSON {
		return json.NewEncoder(w).Encode(readiness{
			Ready: true, PID: os.Getpid(), API: api, Admin: admin, OrakLog: orakLog(at), APIKeyFile: s.key, Addresses: at,
		})
	}
	console, logsIn := consoleAddress(ctx, api, s.key)
	switch {
	case !c.App.API.Console:
		console = "the console is switched off by api-console"
	case logsIn:
		console += "   logs in once, within 5 minutes; afterwards: go run ./cmd/orak console"
	}
	key, header := "none: auth is "+string(c.App.Auth.Mode), ""
	if s.key != "" {
		key = "in " + shorten(s.key)
		header = fmt.Sprintf(`-H "Authorization: Bearer $(cat %s)" `, quoted(shorten(s.key)))
	}
	_, err := fmt.Fprintf(w, upReport, took.Seconds(), console, api, key, admin, at.TemporalUI, at.Temporal, at.Kafka, at.S3,
		shorten(at.S3Credentials), shorten(at.DataDir), shorten(filepath.Dir(at.Log)), header, api)
	return err
}

// upReport ends with a command that works without a recording at hand: up needs
// ffmpeg anyway, which makes one.
const upReport = `orak is up, after %.1f s. Ctrl-C ends it; nothing is lost, not by kill -9 either.

  Open this     %s

  API           %s   API key %s
  metrics       %s/metrics
  Temporal UI   %s
  Temporal      %s
  Kafka         %s
  S3            http://%s   access key in %s
  data          %s   logs in %s

Or send it a recording, here a tone of three seconds:

  ffmpeg -v error -f lavfi -i sine=frequency=220:duration=3 -c:a libopus -f ogg - | curl -sS %s-H 'Content-Type: audio/ogg' --data-binary @- %s/v1/uploads

`

func (c *serversCommand) report(w io.Writer, s *servers.Servers) error {
	at := s.Addresses()
	if c.JSON {
		return json.NewEncoder(w).Encode(readiness{Ready: true, PID: os.Getpid(), Addresses: at})
	}
	var b strings.Builder
	b.WriteString("The servers are up. Ctrl-C ends them.\n\n")
	for _, row := range [...]struct{ name, at string }{
		{"Temporal UI", at.TemporalUI}, {"Temporal", at.Temporal}, {"Kafka", at.Kafka}, {"S3", s3Row(at)},
	} {
		if row.at != "" {
			fmt.Fprintf(&b, "  %-13s %s\n", row.name, row.at)
		}
	}
	fmt.Fprintf(&b, "  %-13s %s   logs in %s\n\n", "data", shorten(at.DataDir), shorten(filepath.Dir(at.Log)))
	_, err := io.WriteString(w, b.String())
	return err
}

// quoted quotes a path for a shell, unless it needs no quotes.
func quoted(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool { return r == '\'' || r == '"' || r == '$' || r == ' ' }) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}

// s3Row is the store's address and the path of its key; empty if it does not run.
func s3Row(at servers.Addresses) string {
	if at.S3 == "" {
		return ""
	}
	return fmt.Sprintf("http://%s   access key in %s", at.S3, shorten(at.S3Credentials))
}

// orakLog is the path of the service's log.
func orakLog(at servers.Addresses) string { return filepath.Join(filepath.Dir(at.Log), "orak.log") }

// shorten makes a path relative to the folder in which up was started. The shell
// keeps that folder in PWD; the working directory has changed since.
func shorten(path string) string {
	relative, err := filepath.Rel(os.Getenv("PWD"), path)
	if err != nil || len(relative) > len(path) || !filepath.IsLocal(relative) {
		return path
	}
	return relative
}
