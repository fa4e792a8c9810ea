package main

import "math"

// score counts frames. Those within 40 ms of the beginning or end of a note,
// or of a leap, are not judged.
type score struct{ sung, right, silent, voiced int }

// add compares a pitch curve with the truth. A sung frame is right
// within 50 cents; one that was judged unvoiced, without a pitch, is wrong.
func (s *score) add(truth []float64, got func(frame int) float64) {
	for i, want := range truth {
		if unsteady(truth, i) {
			continue
		}
		hz := got(i)
		switch {
		case want == 0:
			s.silent++
			if hz > 0 {
				s.voiced++
			}
		default:
			s.sung++
			if hz > 0 && math.Abs(1200*math.Log2(hz/want)) <= 50 {
				s.right++
			}
		}
	}
}

func unsteady(truth []float64, at int) bool {
	const reach = 4
	if at < reach || at+reach >= len(truth) {
		return true
	}
	for i := at - reach; i < at+reach; i++ {
		a, b := truth[i], truth[i+1]
		if (a == 0) != (b == 0) || a > 0 && math.Abs(12*math.Log2(b/a)) > 1 {
			return true
		}
	}
	return false
}

// pitchScore has the share of sung frames that are right, and of silent frames that
// were taken for voice.
type pitchScore struct {
	Accuracy     float64 `json:"raw_pitch_accuracy"`
	FalseVoicing float64 `json:"false_voicing"`
}

func (s score) result() pitchScore {
	return pitchScore{
		Accuracy:     float64(s.right) / float64(max(s.sung, 1)),
		FalseVoicing: float64(s.voiced) / float64(max(s.silent, 1)),
	}
}
