package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestProgressSaysHowFarTheBuildIs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	start := time.Unix(0, 0)
	p := newProgress(&out, false, "bin/orak", "./cmd/orak", start)

	p.line("go: downloading go.temporal.io/server v1.32.1")
	p.tick(start.Add(quiet))
	p.line("internal/abi")
	p.tick(start.Add(2 * quiet))
	p.total = 4
	p.line("go.temporal.io/api/common/v1")
	p.tick(start.Add(3 * quiet))
	p.line("orak/cmd/orak")
	p.tick(start.Add(4 * quiet))

	want := strings.Join([]string{
		"building bin/orak: downloaded 1 modules, 10s: go.temporal.io/server v1.32.1",
		"building bin/orak: 1 packages, 20s: internal/abi",
		"building bin/orak: [==========          ] 2 of 4 packages, 30s: go.temporal.io/api/common/v1",
		"building bin/orak: [====================] linking, 40s",
		"",
	}, "\n")
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

func TestProgressIsSilentInBetween(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	start := time.Unix(0, 0)
	p := newProgress(&out, false, "bin/orak", "./cmd/orak", start)
	p.line("internal/abi")
	p.tick(start.Add(quiet / 2))
	if out.Len() > 0 {
		t.Errorf("got %q", &out)
	}
}

func TestProgressPassesMessagesOn(t *testing.T) {
	t.Parallel()
	for _, message := range []string{
		"# orak/standalone",
		"standalone/main.go:3:1: undefined: x",
		"go: updates to go.mod needed",
		"package orak/missing is not in std",
	} {
		var out bytes.Buffer
		newProgress(&out, false, "bin/orak", "./cmd/orak", time.Unix(0, 0)).line(message)
		if out.String() != message+"\n" {
			t.Errorf("%q gave %q", message, &out)
		}
	}
}

func TestFollowAsksForTheTotalOnlyOfLongBuilds(t *testing.T) {
	t.Parallel()
	p := newProgress(&bytes.Buffer{}, false, "bin/orak", "./cmd/orak", time.Now())
	follow(strings.NewReader("internal/abi\nerrors\n"), p, func() (int, error) {
		t.Error("asked")
		return 0, nil
	})
	if p.compiled != 2 {
		t.Errorf("got %d packages", p.compiled)
	}
}
