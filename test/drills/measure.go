package main

import (
	"net/http"
	"slices"
	"time"

	"orak/events"
	"orak/test/accounts"
)

// figures are what a drill measures.
type figures struct {
	// Uploads were sent; Refused had an answer that is final and not 202, and Failed
	// counts answers after which an app sends again.
	Uploads int `json:"uploads"`
	Refused int `json:"refused"`
	Failed  int `json:"failed_answers"`
	// Lost were taken and have no result; Twice have two.
	Lost  int `json:"lost"`
	Twice int `json:"twice"`
	// Gone were lost with a server of which there is only an older copy.
	Gone int `json:"gone_with_the_store"`
	// Silence is the longest time without a 202 from the blow on, and Slowest the
	// longest that an answer 202 took.
	Silence seconds64 `json:"longest_silence_s"`
	Slowest seconds64 `json:"slowest_answer_s"`
	// Before and During are the 99th percentiles of answers before the blow, and
	// during it.
	Before seconds64 `json:"p99_before_s"`
	During seconds64 `json:"p99_during_s"`
	// Usual is the median time from an answer to the completion, before the blow. Blow is
	// how long the blow took, with what an operator did about it, and Recovery the time
	// from its end until every upload was completed that was taken before.
	Usual    seconds64 `json:"usual_s"`
	Blow     seconds64 `json:"blow_s"`
	Recovery seconds64 `json:"recovery_s"`
}

// seconds64 is a duration that is written in seconds.
type seconds64 float64

func since(d time.Duration) seconds64 { return seconds64(d.Seconds()) }

// times are the moments of a drill.
type times struct{ began, struck, mended, ended time.Time }

// measure computes the figures of a drill.
func measure(all []*sending, gone map[string]bool, seen *accounts.Seen, at times) figures {
	f := figures{Uploads: len(all)}
	var before, during []time.Duration
	for _, s := range all {
		if s.ID == "" {
			f.Refused++
		}
		for _, a := range s.answers {
			if a.status != http.StatusAccepted {
				f.Failed += b2i(s.ID != "")
				continue
			}
			f.Slowest = max(f.Slowest, since(a.took))
			switch begun := a.at.Add(-a.took); {
			case begun.Before(at.struck):
				before = append(before, a.took)
			case begun.Before(at.mended):
				during = append(during, a.took)
			}
		}
	}
	f.Before, f.During = since(percentile(before, p99)), since(percentile(during, p99))
	f.Lost, f.Twice = lostAndTwice(all, gone, seen)
	f.Gone = len(gone)
	f.Silence = since(silence(all, at.struck, at.ended))
	f.Blow = since(at.mended.Sub(at.struck))
	f.Usual, f.Recovery = since(usual(all, seen, at)), since(recovery(all, seen, at))
	return f
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

const p99 = 0.99

// percentile returns the value below which a share of all lies; 0 of none.
func percentile(all []time.Duration, share float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(int(share*float64(len(all))), len(all)-1)]
}

// lostAndTwice counts the uploads that were taken and have no result, and those that
// have more than one end. Those that are gone are neither.
func lostAndTwice(all []*sending, gone map[string]bool, seen *accounts.Seen) (lost, twice int) {
	for _, s := range all {
		if s.ID == "" || gone[s.Name] {
			continue
		}
		if _, analyzed := seen.Analyses[s.ID]; !analyzed || !seen.Outcomes[s.ID] {
			lost++
		}
		if len(seen.Events[s.ID][events.Completed]) > 1 {
			twice++
		}
	}
	return lost, twice
}

// silence is the longest time without an answer 202 between two moments.
func silence(all []*sending, from, to time.Time) time.Duration {
	moments := []time.Time{from, to}
	for _, s := range all {
		if s.taken.After(from) && s.taken.Before(to) {
			moments = append(moments, s.taken)
		}
	}
	slices.SortFunc(moments, time.Time.Compare)
	longest := time.Duration(0)
	for i := range moments[1:] {
		longest = max(longest, moments[i+1].Sub(moments[i]))
	}
	return longest
}

// usual is the median time from the answer of an upload to its completion, of those
// that were completed before the blow.
func usual(all []*sending, seen *accounts.Seen, at times) time.Duration {
	var took []time.Duration
	for _, s := range all {
		if done, ok := seen.Completed[s.ID]; ok && done.Before(at.struck) {
			took = append(took, done.Sub(s.taken))
		}
	}
	return percentile(took, 0.5)
}

// recovery is the time from the end of the blow until every upload was completed that
// was taken before it.
func recovery(all []*sending, seen *accounts.Seen, at times) time.Duration {
	last := at.mended
	for _, s := range all {
		if done, ok := seen.Completed[s.ID]; ok && s.taken.Before(at.mended) && done.After(last) {
			last = done
		}
	}
	return last.Sub(at.mended)
}
