package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"strings"
	"time"
)

// setProbe turns the service's health check, or the image's if it has none, into a
// question that this process asks.
func (s *service) setProbe(images []string) error {
	test := images
	if s.HealthCheck != nil && len(s.HealthCheck.Test) > 0 {
		test = s.HealthCheck.Test
	}
	if s.HealthCheck != nil && s.HealthCheck.Disable || len(test) == 0 {
		return nil
	}
	var args []string
	for _, arg := range words(test) {
		args = append(args, s.translation.check(arg))
	}
	probe, err := s.probeOf(args)
	s.probe = probe
	return err
}

// words returns the command of a health check; of a shell's, its first command.
func words(test []string) []string {
	if test[0] != "CMD-SHELL" {
		return test[1:]
	}
	first, _, _ := strings.Cut(test[1], "||")
	return strings.Fields(first)
}

// probeOf knows the programs that health checks of the compose file run.
func (s *service) probeOf(args []string) (func(context.Context) error, error) {
	last := args[len(args)-1]
	switch name := path.Base(args[0]); name {
	case "healthcheck":
		return probeHTTP("http://"+net.JoinHostPort(s.address, args[1])+"/readyz", http.StatusOK), nil
	case "wget":
		return probeHTTP(last, http.StatusOK), nil
	case "curl": // without --fail: any answer
		return probeHTTP(last, 0), nil
	case "nc":
		return probeTCP(net.JoinHostPort(args[len(args)-2], last)), nil
	case "kafka-broker-api-versions.sh":
		return probeKafka(net.JoinHostPort(s.address, last[strings.LastIndex(last, ":")+1:])), nil
	case "pg_isready":
		return func(ctx context.Context) error { return s.once(ctx, "", args) }, nil
	default:
		return nil, fmt.Errorf("the health check %s is not known (tools/rehearse/probe.go)", name)
	}
}

// probeHTTP asks for a URL; want is the status, 0 for any.
func probeHTTP(url string, want int) func(context.Context) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if want == 0 || response.StatusCode == want {
			return nil
		}
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1024)) // only for the message
		return fmt.Errorf("%s: %s", response.Status, bytes.TrimSpace(body))
	}
}

func probeTCP(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// apiVersions is Kafka's request of that name, version 0: size, key 18, version,
// correlation id 1, no client id. A broker answers it once it has joined its cluster.
var apiVersions = []byte{0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff}

// probeKafka asks a broker what the script kafka-broker-api-versions.sh asks, without
// its JVM.
func probeKafka(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		defer conn.Close()
		deadline, ok := ctx.Deadline()
		if !ok {
			deadline = time.Now().Add(5 * time.Second)
		}
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
		if _, err := conn.Write(apiVersions); err != nil {
			return err
		}
		var answer struct {
			Size, Correlation int32
			Error             int16
		}
		if err := binary.Read(conn, binary.BigEndian, &answer); err != nil {
			return err
		}
		if answer.Correlation != 1 || answer.Error != 0 {
			return errors.New("the broker did not answer ApiVersions")
		}
		return nil
	}
}
