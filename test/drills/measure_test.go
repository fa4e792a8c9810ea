package main

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/events"
	"orak/test/accounts"
)

var (
	began  = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	drill1 = times{began: began, struck: began.Add(10 * time.Second), mended: began.Add(30 * time.Second), ended: began.Add(40 * time.Second)}
)

// one is an upload that was sent at a second of a drill and answered 202 after a while.
func one(name string, at float64, took time.Duration) *sending {
	sent := began.Add(time.Duration(at * float64(time.Second)))
	return &sending{
		Upload: accounts.Upload{Name: name, ID: orak.UploadID(name)}, sent: sent, taken: sent.Add(took),
		answers: []answer{{at: sent.Add(took), took: took, status: http.StatusAccepted}},
	}
}

// seenAll has the result of every upload, completed a second after its answer.
func seenAll(all []*sending) *accounts.Seen {
	seen := &accounts.Seen{
		Analyses: map[orak.UploadID]orak.Analysis{}, Outcomes: map[orak.UploadID]bool{}, Runs: map[orak.UploadID][]accounts.Run{},
		Events: map[orak.UploadID]map[events.Type]map[string]int{}, Completed: map[orak.UploadID]time.Time{},
	}
	for _, s := range all {
		seen.Analyses[s.ID], seen.Outcomes[s.ID], seen.Runs[s.ID] = orak.Analysis{}, true, make([]accounts.Run, 1)
		seen.Events[s.ID] = map[events.Type]map[string]int{events.Completed: {"e": 1}}
		seen.Completed[s.ID] = s.taken.Add(time.Second)
	}
	return seen
}

func TestFiguresOfADrill(t *testing.T) {
	t.Parallel()
	all := []*sending{
		one("a", 2, 20*time.Millisecond), one("b", 5, 40*time.Millisecond), one("c", 12, 90*time.Millisecond),
		one("d", 25, 500*time.Millisecond), one("e", 35, 20*time.Millisecond),
	}
	all[3].answers = append([]answer{{at: all[3].sent, status: 0}, {at: all[3].sent, status: http.StatusServiceUnavailable}}, all[3].answers...)
	refused := one("f", 36, time.Millisecond)
	refused.ID, refused.taken, refused.answers[0].status = "", time.Time{}, http.StatusBadRequest
	seen := seenAll(all)
	seen.Completed["d"] = drill1.mended.Add(7 * time.Second)

	f := measure(append(all, refused), nil, seen, drill1)
	require.Equal(t, 6, f.Uploads)
	require.Equal(t, []int{1, 2, 0, 0}, []int{f.Refused, f.Failed, f.Lost, f.Twice})
	require.InDelta(t, 13.41, float64(f.Silence), 0.001, "between c and d")
	require.InDelta(t, 0.5, float64(f.Slowest), 0.001)
	require.InDelta(t, 0.04, float64(f.Before), 0.001)
	require.InDelta(t, 0.5, float64(f.During), 0.001)
	require.InDelta(t, 20, float64(f.Blow), 0.001)
	require.InDelta(t, 1, float64(f.Usual), 0.001)
	require.InDelta(t, 7, float64(f.Recovery), 0.001)
}

func TestSilenceReachesFromTheBlowToTheEnd(t *testing.T) {
	t.Parallel()
	require.Equal(t, 30*time.Second, silence([]*sending{one("a", 2, 0)}, drill1.struck, drill1.ended))
}

func TestLostAndTwiceAreFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		damage      func(*accounts.Seen)
		lost, twice int
	}{
		"nothing":         {func(*accounts.Seen) {}, 0, 0},
		"no analysis":     {func(s *accounts.Seen) { delete(s.Analyses, "a") }, 1, 0},
		"no outcome":      {func(s *accounts.Seen) { delete(s.Outcomes, "a") }, 1, 0},
		"two ends":        {func(s *accounts.Seen) { s.Events["a"][events.Completed]["e2"] = 1 }, 0, 1},
		"run again":       {func(s *accounts.Seen) { s.Runs["a"] = make([]accounts.Run, 2) }, 0, 0},
		"one is repeated": {func(s *accounts.Seen) { s.Events["a"][events.Completed]["e"] = 2 }, 0, 0},
	} {
		all := []*sending{one("a", 1, 0), one("b", 2, 0)}
		seen := seenAll(all)
		c.damage(seen)
		lost, twice := lostAndTwice(all, nil, seen)
		require.Equal(t, []int{c.lost, c.twice}, []int{lost, twice}, name)
		lost, _ = lostAndTwice(all, map[string]bool{"a": true}, seen)
		require.Zero(t, lost, name)
	}
}

func TestDrillFailsForEachBrokenPromise(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(*performed){
		"lost":     func(p *performed) { p.Lost = 1 },
		"twice":    func(p *performed) { p.Twice = 1 },
		"refused":  func(p *performed) { p.Refused = 1 },
		"failed":   func(p *performed) { p.Failed = 1 },
		"a result": func(p *performed) { p.Results = []accounts.Result{{Promise: "p", Broken: []string{"b"}}} },
	} {
		p := performed{}
		p.judge(drill{}, nil)
		require.True(t, p.OK)
		damage(&p)
		p.judge(drill{}, nil)
		require.False(t, p.OK, name)
		var r report
		r.add(performed{OK: true})
		r.add(p)
		r.add(performed{OK: true})
		require.False(t, r.OK, name)
	}
	p := performed{figures: figures{Failed: 3}}
	p.judge(drill{fails: true}, nil)
	require.True(t, p.OK, "apps may have to send again")
	p.judge(drill{fails: true}, http.ErrServerClosed)
	require.False(t, p.OK)
}

func TestRecordingsDiffer(t *testing.T) {
	t.Parallel()
	require.False(t, bytes.Equal(recording(1), recording(2)))
	require.Equal(t, recording(1), recording(1))
}

func TestDrillsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, d := range drills() {
		require.NotNil(t, d.blow, d.name)
		names[d.name] = true
	}
	require.Len(t, names, len(drills()))
	_, err := parse([]string{"-only", "leader,nothing"})
	require.ErrorContains(t, err, "nothing")
}
