package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// aubioFrame is the frame length of the built-in engine.
const aubioFrame = 1024

func installed(command string) bool {
	_, err := exec.LookPath(command)
	return err == nil
}

// aubiopitch returns the pitch of every frame, and the processor time, including
// the start of the program and the reading of the file.
func aubiopitch(ctx context.Context, file string) (hz func(frame int) float64, took time.Duration, err error) {
	took = math.MaxInt64
	var out []byte
	for range passes {
		cmd := exec.CommandContext(ctx, "aubiopitch", "-p", "yinfft",
			"-r", strconv.Itoa(rate), "-B", strconv.Itoa(aubioFrame), "-H", strconv.Itoa(hop), "-i", file)
		if out, err = cmd.Output(); err != nil {
			return nil, 0, fmt.Errorf("running aubiopitch: %w", err)
		}
		took = min(took, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	}
	var found []float64
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) != 2 {
			return nil, 0, fmt.Errorf("reading the output of aubiopitch: %q", line)
		}
		f0, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			return nil, 0, fmt.Errorf("reading the output of aubiopitch: %w", err)
		}
		found = append(found, f0)
	}
	// Its frame ends with the last hop that was read; ours is centered.
	const late = aubioFrame/2/hop - 1
	return func(frame int) float64 {
		if at := frame + late; at < len(found) {
			return found[at]
		}
		return 0
	}, took, nil
}

var integrated = regexp.MustCompile(`lavfi\.r128\.I=(-?[0-9.]+)`)

// ebur128 is the integrated loudness by ffmpeg's filter of this name, in LUFS.
func ebur128(ctx context.Context, file string) (float64, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "ffmpeg", "-hide_banner", "-v", "error", "-i", "file:"+file,
		"-filter:a", "ebur128=metadata=1,ametadata=print:key=lavfi.r128.I:file=-", "-f", "null", "-")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("running ffmpeg: %w: %s", err, stderr.String())
	}
	all := integrated.FindAllSubmatch(out, -1)
	if len(all) == 0 {
		return 0, fmt.Errorf("ffmpeg printed no loudness: %.200s", out)
	}
	return strconv.ParseFloat(string(all[len(all)-1][1]), 64)
}
