package main

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"orak/internal/app"
	"orak/internal/config"
	"orak/standalone/servers"
)

// owned are the service's settings that up decides by itself, because the
// servers are its own.
func owned() map[string]func(app.Config) any {
	return map[string]func(app.Config) any{
		"api-addr":                 func(c app.Config) any { return c.API.Addr },
		"kafka-brokers":            func(c app.Config) any { return c.Kafka.Brokers },
		"kafka-replication-factor": func(c app.Config) any { return c.Kafka.ReplicationFactor },
		"kafka-tls":                func(c app.Config) any { return c.Kafka.TLS },
		"kafka-user":               func(c app.Config) any { return c.Kafka.User },
		"s3-endpoint":              func(c app.Config) any { return c.Store.Endpoint },
		"s3-region":                func(c app.Config) any { return c.Store.Region },
		"s3-access-key":            func(c app.Config) any { return c.Store.AccessKey },
		"s3-secret-key":            func(c app.Config) any { return c.Store.SecretKey },
		"s3-tls":                   func(c app.Config) any { return c.Store.TLS },
		"temporal-address":         func(c app.Config) any { return c.Temporal.Address },
		"temporal-namespace":       func(c app.Config) any { return c.Temporal.Namespace },
		"temporal-web-ui":          func(c app.Config) any { return c.Temporal.WebUI },
	}
}

// warnOwned says which of the settings that were given have no effect here:
// they may be meant for an orak that is not this one.
func warnOwned(w io.Writer, given app.Config) {
	var defaults app.Config
	if err := config.Defaults(&defaults); err != nil {
		fmt.Fprintln(w, "orak-standalone:", err)
		return
	}
	for name, value := range owned() {
		if !reflect.DeepEqual(value(given), value(defaults)) {
			fmt.Fprintf(w, "orak-standalone: %s is set, and has no effect: up runs servers of its own\n", name)
		}
	}
}

// own points the service to the servers.
func (c *upCommand) own(at servers.Addresses, key servers.Credentials) {
	c.App.API.Addr = net.JoinHostPort(servers.Host, strconv.Itoa(c.APIPort))
	c.App.Kafka.Brokers = []string{at.Kafka}
	c.App.Kafka.ReplicationFactor = 1
	c.App.Kafka.TLS = false
	c.App.Kafka.User = ""
	c.App.Store.Endpoint = at.S3
	c.App.Store.Region = servers.Region
	c.App.Store.AccessKey = key.AccessKey
	c.App.Store.SecretKey = key.SecretKey
	c.App.Store.TLS = false
	c.App.Temporal.Address = at.Temporal
	c.App.Temporal.Namespace = servers.Namespace
	c.App.Temporal.WebUI = at.TemporalUI
}

// absolute makes paths mean what they mean now: the store is going to change
// the working directory.
func (c *upCommand) absolute() error {
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

// claimed are the ports that the servers do not claim themselves.
func (c *upCommand) claimed() []servers.Port {
	if c.APIPort == 0 {
		return nil
	}
	return []servers.Port{{Name: "the API", Flag: "api-port", Number: &c.APIPort}}
}
