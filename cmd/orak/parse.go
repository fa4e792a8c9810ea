package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"orak"
)

// parseWhen parses an age before now, or a time; empty is the zero time.
func parseWhen(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if age, err := time.ParseDuration(text); err == nil {
		if age < 0 {
			return time.Time{}, fmt.Errorf("%q: want an age that is not negative", text)
		}
		return now.Add(-age).UTC(), nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 {
			return now.AddDate(0, 0, -n).UTC(), nil
		}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q: want an age such as 2h or 3d, or a time such as 2026-11-22T12:00:00Z", text)
	}
	return t.UTC(), nil
}

// parseOffsets parses P:O,P:O.
func parseOffsets(text string) (map[int32]int64, error) {
	offsets := make(map[int32]int64)
	for _, pair := range strings.Split(text, ",") {
		p, o, _ := strings.Cut(strings.TrimSpace(pair), ":")
		partition, pErr := strconv.ParseInt(p, 10, 32)
		offset, oErr := strconv.ParseInt(o, 10, 64)
		if pErr != nil || oErr != nil || partition < 0 || offset < 0 {
			return nil, fmt.Errorf("%q: want partition:offset, such as 0:1200", pair)
		}
		if _, twice := offsets[int32(partition)]; twice {
			return nil, fmt.Errorf("partition %d is given twice", partition)
		}
		offsets[int32(partition)] = offset
	}
	return offsets, nil
}

// parseRate parses a number per second, minute or hour and returns it per
// second; 0 is no limit.
func parseRate(text string) (float64, error) {
	number, unit, _ := strings.Cut(text, "/")
	n, err := strconv.ParseFloat(number, 64)
	seconds, known := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[unit]
	if err != nil || !known || !(n >= 0 && n <= 1e6) {
		return 0, fmt.Errorf("--rate %q: want a number a second, such as 50/s, a minute, such as 600/m, or 0 for no limit", text)
	}
	return n / seconds, nil
}

// parseIDs parses ids of uploads or of their workflows.
func parseIDs(typed []string) ([]orak.UploadID, error) {
	ids := make([]orak.UploadID, len(typed))
	for i, text := range typed {
		id, err := orak.ParseUploadID(strings.TrimPrefix(strings.ToLower(text), "upload-"))
		if err != nil {
			return nil, usageError(fmt.Errorf("%q is %w", text, err))
		}
		ids[i] = id
	}
	return ids, nil
}
