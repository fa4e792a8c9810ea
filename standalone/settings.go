package main

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"orak/internal/config"
	"orak/standalone/servers"
)

// ownKafka are the settings that up sets itself if the broker is its own.
func ownKafka() []string {
	return []string{"kafka-replication-factor", "kafka-tls", "kafka-user", "kafka-password", "kafka-sasl"}
}

// owned are the other settings that up sets itself, since the servers are its own.
func owned() []string {
	return []string{
		"api-addr", "api-all-tenants", "admin-listen",
		"s3-endpoint", "s3-region", "s3-access-key", "s3-secret-key", "s3-tls",
		"webhooks-allow-insecure",
		"temporal-address", "temporal-namespace", "temporal-web-ui", "temporal-retention",
	}
}

// given are the settings that are set explicitly, even to the default.
func given(settings []config.Setting) map[string]bool {
	names := map[string]bool{}
	for _, s := range settings {
		names[s.Name] = s.Source != config.SourceDefault
	}
	return names
}

// warnOwned names the given settings that have no effect here: they may be meant
// for another orak.
func (c *upCommand) warnOwned(w io.Writer, given map[string]bool) {
	names := owned()
	if c.otherKafka {
		names = append(names, "kafka-port")
	} else {
		names = append(names, ownKafka()...)
	}
	for _, name := range names {
		if given[name] {
			fmt.Fprintf(w, "orak-standalone: %s is set, and has no effect here\n", name)
		}
	}
}

// own sets the addresses of the servers for the service.
func (c *upCommand) own(at servers.Addresses, key servers.Credentials) {
	c.App.API.Addr = net.JoinHostPort(servers.Host, strconv.Itoa(c.APIPort))
	c.App.Admin.Listen = net.JoinHostPort(servers.Host, strconv.Itoa(c.AdminPort))
	// It listens on loopback: only the operator reaches it.
	c.App.API.AllTenants = true
	if !c.otherKafka {
		c.App.Kafka.Brokers = []string{at.Kafka}
		c.App.Kafka.ReplicationFactor = 1
		c.App.Kafka.TLS = false
		c.App.Kafka.User = ""
		c.App.Kafka.Password = ""
	}
	c.App.Store.Endpoint = at.S3
	c.App.Store.Region = servers.Region
	c.App.Store.AccessKey = key.AccessKey
	c.App.Store.SecretKey = key.SecretKey
	c.App.Store.TLS = false
	c.App.Temporal.Address = at.Temporal
	c.App.Temporal.Namespace = servers.Namespace
	c.App.Temporal.WebUI = at.TemporalUI
	if c.App.Console.URL == "" && c.APIPort != 0 {
		c.App.Console.URL = "http://" + c.App.API.Addr
	}
	// It listens on loopback, so that a newcomer's receiver does, too.
	c.App.Webhooks.Sending.AllowInsecure = true
	if !c.App.Index.Configured() {
		c.App.Index.Dir = filepath.Join(at.DataDir, "index")
	}
}

// absolute makes relative paths absolute, since the store changes the working
// directory.
func (c *upCommand) absolute() error {
	if c.App.Index.Dir != "" {
		dir, err := filepath.Abs(c.App.Index.Dir)
		if err != nil {
			return fmt.Errorf("finding the index's folder: %w", err)
		}
		c.App.Index.Dir = dir
	}
	for _, path := range []*string{&c.App.Worker.ScratchDir, &c.App.Media.FFmpeg, &c.App.Media.FFprobe} {
		// A bare name is looked up in PATH.
		if !strings.ContainsRune(*path, filepath.Separator) {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			return fmt.Errorf("finding %s: %w", *path, err)
		}
		*path = abs
	}
	return nil
}

// claimed are the ports of the service, which the servers do not claim.
func (c *upCommand) claimed() []servers.Port {
	var claimed []servers.Port
	for _, p := range []servers.Port{
		{Name: "the API", Flag: "api-port", Number: &c.APIPort},
		{Name: "health checks and metrics", Flag: "admin-port", Number: &c.AdminPort},
	} {
		if *p.Number != 0 {
			claimed = append(claimed, p)
		}
	}
	return claimed
}
