package switchover_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"orak/internal/kafka"
	"orak/internal/kafka/switchover"
	"orak/test/leaks"
	"orak/test/lifecycle"
)

func TestMain(m *testing.M) { leaks.Main(m) }

// memory is a store of one object, whose ETag is a number.
type memory struct {
	mu   sync.Mutex
	text string
	etag int
	err  error
	// lost is how many writes are done although their answers are lost, and repeated.
	lost int
}

func (m *memory) Get(context.Context, string, int64) ([]byte, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.err != nil:
		return nil, "", m.err
	case m.etag == 0:
		return nil, "", fs.ErrNotExist
	}
	return []byte(m.text), strconv.Itoa(m.etag), nil
}

func (m *memory) Replace(_ context.Context, _ string, value []byte, etag string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if etag != strings.TrimPrefix(strconv.Itoa(m.etag), "0") {
		return fmt.Errorf("storing: %w", switchover.ErrChanged)
	}
	m.text, m.etag = string(value), m.etag+1
	if m.lost > 0 {
		m.lost--
		return fmt.Errorf("storing: %w", switchover.ErrChanged)
	}
	return nil
}

func (m *memory) set(text string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.text, m.err = text, err
	m.etag++
}

func request(to kafka.Place, by string) switchover.Request {
	return switchover.Request{To: to, By: by, Reason: "drill", At: time.Now()}
}

func TestSwitchIsReadByEveryView(t *testing.T) {
	t.Parallel()
	m, reg := &memory{}, prometheus.NewRegistry()
	switched := make(chan kafka.Place, 10)
	v := switchover.NewView(switchover.Deps{
		Store: m, Interval: 10 * time.Millisecond, Activate: func(p kafka.Place) { switched <- p }, Log: slog.New(slog.DiscardHandler), Metrics: reg,
	})
	require.NoError(t, v.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, v.Stop(context.Background())) })
	<-v.Loaded()
	require.Equal(t, kafka.Primary, v.Active(), "before the first switch")
	d, changed, err := switchover.Switch(t.Context(), m, request(kafka.Standby, "ada"))
	require.NoError(t, err)
	require.True(t, changed)
	require.EqualValues(t, 1, d.Version)
	require.Equal(t, kafka.Standby, <-switched)
	require.Equal(t, kafka.Standby, v.Active())
	require.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP orak_kafka_uploads_active Whether this process announces uploads on the cluster: 1 for the active place of orak.uploads, 0 for the other.
# TYPE orak_kafka_uploads_active gauge
orak_kafka_uploads_active{cluster="primary"} 0
orak_kafka_uploads_active{cluster="standby"} 1
`), "orak_kafka_uploads_active"))

	_, changed, err = switchover.Switch(t.Context(), m, request(kafka.Standby, "bob"))
	require.NoError(t, err)
	require.False(t, changed, "it is active already")
	_, _, err = switchover.Switch(t.Context(), m, request(kafka.Primary, "bob"))
	require.NoError(t, err)
	require.Equal(t, kafka.Primary, <-switched)
	require.Empty(t, switched)
}

func TestViewKeepsThePlaceThatItSawLast(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*memory){
		"the store is away":  func(m *memory) { m.set("", errors.New("no store")) },
		"a newer schema":     func(m *memory) { m.set(`{"schema":2,"active":"primary"}`, nil) },
		"no JSON":            func(m *memory) { m.set(`<html>`, nil) },
		"a place of nowhere": func(m *memory) { m.set(`{"schema":1,"active":"tertiary"}`, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log logged
			m := &memory{}
			v := switchover.NewView(switchover.Deps{Store: m, Interval: 5 * time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, nil))})
			m.set(`{"schema":1,"active":"standby","from":"the future"}`, nil)
			require.NoError(t, v.Start(t.Context()))
			t.Cleanup(func() { require.NoError(t, v.Stop(context.Background())) })
			<-v.Loaded()
			fail(m)
			require.Eventually(t, func() bool { return log.count("level=WARN") == 1 }, 10*time.Second, time.Millisecond)
			require.Never(t, func() bool { return v.Active() != kafka.Standby || log.count("level=WARN") > 1 }, 100*time.Millisecond, 5*time.Millisecond)
			m.set(`{"schema":1,"active":"primary"}`, nil)
			require.Eventually(t, func() bool { return v.Active() == kafka.Primary }, 10*time.Second, time.Millisecond)
		})
	}
}

func TestOneOfTwoSwitchesAtOnceWins(t *testing.T) {
	t.Parallel()
	m := &memory{}
	var wins, conflicts int
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			d, changed, err := switchover.Switch(t.Context(), m, request(kafka.Standby, fmt.Sprint(i)))
			var conflict *switchover.Conflict
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.As(err, &conflict):
				conflicts++
			case err == nil && changed:
				wins++
				require.Equal(t, fmt.Sprint(i), d.By)
			default:
				require.NoError(t, err)
			}
		})
	}
	all.Wait()
	require.Equal(t, 1, wins)
	d, _, err := switchover.Read(t.Context(), m)
	require.NoError(t, err)
	require.EqualValues(t, 1, d.Version)
}

func TestSwitchWhoseAnswerIsLostIsNoConflict(t *testing.T) {
	t.Parallel()
	_, changed, err := switchover.Switch(t.Context(), &memory{lost: 1}, request(kafka.Standby, "ada"))
	require.NoError(t, err)
	require.True(t, changed)
}

func TestSwitchReplacesADamagedDocumentOnlyOnRequest(t *testing.T) {
	t.Parallel()
	m := &memory{}
	m.set("<html>", nil)
	r := request(kafka.Standby, "ada")
	_, _, err := switchover.Switch(t.Context(), m, r)
	require.ErrorIs(t, err, switchover.ErrDamaged)
	r.Repair = true
	_, changed, err := switchover.Switch(t.Context(), m, r)
	require.NoError(t, err)
	require.True(t, changed)
	m.set(`{"schema":2,"active":"primary"}`, nil)
	_, _, err = switchover.Switch(t.Context(), m, r)
	require.ErrorIs(t, err, switchover.ErrNewer)
}

func TestViewStartsAndStops(t *testing.T) {
	lifecycle.Starts(t, func(*testing.T) lifecycle.Part {
		v := switchover.NewView(switchover.Deps{Store: &memory{}, Interval: time.Millisecond, Log: slog.New(slog.DiscardHandler)})
		return lifecycle.Part{Start: v.Start, Stop: v.Stop}
	})
}

// logged is a log that can be read while it is written.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), s)
}
