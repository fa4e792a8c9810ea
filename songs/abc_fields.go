package songs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"orak"
)

// parseFraction returns a fraction such as "1/8", greater than 0 and at most 64.
func parseFraction(s string) (float64, error) {
	above, below, found := strings.Cut(s, "/")
	n, errN := strconv.ParseUint(strings.TrimSpace(above), 10, 16)
	d := uint64(1)
	var errD error
	if found {
		d, errD = strconv.ParseUint(strings.TrimSpace(below), 10, 16)
	}
	if errN != nil || errD != nil || n == 0 || d == 0 || n > 64*d || d > 512 {
		return 0, fmt.Errorf("not a fraction: %.20q; want one such as 1/8", s)
	}
	return float64(n) / float64(d), nil
}

// parseMeter returns the length of a bar in whole notes.
func parseMeter(s string) (float64, error) {
	switch s {
	case "C", "C|", "none", "":
		return 1, nil
	}
	return parseFraction(s)
}

// parseTempo returns the beats per minute of a Q: field such as "1/4=120", "120" or
// "\"Andante\" 1/4=70"; 0 where it has only words.
func parseTempo(s string) (float64, error) {
	words := strings.Split(s, `"`)
	if len(words)%2 == 0 {
		return 0, errors.New("a quote is not closed")
	}
	value := ""
	for i := 0; i < len(words); i += 2 {
		value += words[i]
	}
	if value = strings.TrimSpace(value); value == "" {
		return 0, nil
	}
	if beat, rate, found := strings.Cut(value, "="); found {
		if _, err := parseFraction(strings.TrimSpace(beat)); err != nil {
			return 0, err
		}
		value = strings.TrimSpace(rate)
	}
	bpm, err := strconv.ParseUint(value, 10, 16)
	if err != nil || bpm == 0 || bpm > 1000 {
		return 0, fmt.Errorf("not a tempo: %.20q; want one such as 1/4=120", s)
	}
	return float64(bpm), nil
}

// sharpsOf has the sharps of the major keys of the white notes, from the circle of
// fifths.
var sharpsOf = map[byte]int{'F': -1, 'C': 0, 'G': 1, 'D': 2, 'A': 3, 'E': 4, 'B': 5}

// modes has, by the letters that count, what a mode adds to the sharps of the major key.
var modes = map[string]struct {
	sharps int
	mode   string
}{
	"": {0, "major"}, "maj": {0, "major"}, "ion": {0, "major"}, "mix": {-1, "major"}, "lyd": {1, "major"},
	"m": {-3, "minor"}, "min": {-3, "minor"}, "aeo": {-3, "minor"}, "dor": {-2, "minor"}, "phr": {-4, "minor"}, "loc": {-5, "minor"},
}

// parseSignature returns a key, and the semitones by which it raises or lowers each
// letter.
func parseSignature(s string) (orak.Key, map[byte]int, error) {
	words := strings.Fields(s)
	for len(words) > 0 && words[len(words)-1] == "clef=treble" {
		words = words[:len(words)-1]
	}
	if len(words) == 0 || words[0] == "none" && len(words) == 1 {
		return orak.Key{}, map[byte]int{}, nil
	}
	tonic := words[0][:1]
	sharps, known := sharpsOf[tonic[0]]
	if !known {
		return orak.Key{}, nil, fmt.Errorf("not a key: %.20q", s)
	}
	mode := words[0][1:]
	if after, found := strings.CutPrefix(mode, "#"); found {
		sharps, tonic, mode = sharps+7, tonic+"#", after
	} else if after, found := strings.CutPrefix(mode, "b"); found {
		sharps, tonic, mode = sharps-7, tonic+"b", after
	}
	if mode == "" && len(words) > 1 {
		mode, words = words[1], words[1:]
	}
	if len(words) > 1 {
		return orak.Key{}, nil, fmt.Errorf("%.20q is not supported", words[1])
	}
	found, known := modes[modeName(mode)]
	if !known {
		return orak.Key{}, nil, fmt.Errorf("not a mode: %.20q", mode)
	}
	if sharps += found.sharps; sharps < -7 || sharps > 7 {
		return orak.Key{}, nil, fmt.Errorf("%.20q has more than 7 accidentals", s)
	}
	key, err := ParseKey(tonic)
	if err != nil {
		return orak.Key{}, nil, err
	}
	key.Mode = found.mode
	return key, signatureOf(sharps), nil
}

// signatureOf returns the key signature of -7 to 7 sharps.
func signatureOf(sharps int) map[byte]int {
	signature := map[byte]int{}
	for i := range sharps {
		signature["FCGDAEB"[i]] = 1
	}
	for i := range -sharps {
		signature["BEADGCF"[i]] = -1
	}
	return signature
}

// modeName returns the three letters of a mode that count.
func modeName(s string) string {
	s = strings.ToLower(s)
	return s[:min(len(s), 3)]
}
