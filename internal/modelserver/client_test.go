package modelserver

import (
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
)

// Answers of a broken server are classified by whose fault they are.
func TestAnswersAreClassified(t *testing.T) {
	t.Parallel()
	const good = `{"engine":{"name":"m","version":"1"},"pitch_curve":{"hop_s":0.01,"f0_hz":[100],"voicing":[1]}`
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    orak.Class
	}{
		"400":                        {answering(400, "{}"), orak.ClassDependency},
		"404":                        {answering(404, "{}"), orak.ClassDependency},
		"408":                        {answering(408, "{}"), orak.ClassDependency},
		"413":                        {answering(413, "{}"), orak.ClassDependency},
		"415":                        {answering(415, "{}"), orak.ClassDependency},
		"422":                        {answering(422, "{}"), orak.ClassModel},
		"429":                        {answering(429, "{}"), orak.ClassOverload},
		"500":                        {answering(500, "oh"), orak.ClassTransient},
		"502":                        {answering(502, "oh"), orak.ClassDependency},
		"503":                        {answering(503, "{}"), orak.ClassOverload},
		"no content":                 {answering(204, ""), orak.ClassDependency},
		"a redirect":                 {answering(307, "", "Location", "/elsewhere"), orak.ClassDependency},
		"no JSON":                    {answering(200, "<html>"), orak.ClassDependency},
		"JSON cut off":               {answering(200, good), orak.ClassDependency},
		"another JSON":               {answering(200, `[]`), orak.ClassDependency},
		"no engine":                  {answering(200, `{}`), orak.ClassDependency},
		"an engine with a path":      {answering(200, `{"engine":{"name":"../x","version":"1"}}`), orak.ClassDependency},
		"too few frames":             {answering(200, `{"engine":{"name":"m","version":"1"},"pitch_curve":{"hop_s":0.001,"f0_hz":[1],"voicing":[1]}}`), orak.ClassDependency},
		"too many frames":            {answering(200, `{"engine":{"name":"m","version":"1"},"pitch_curve":{"hop_s":0.01,"f0_hz":[1,1],"voicing":[1,1]}}`), orak.ClassDependency},
		"voicing of another length":  {answering(200, `{"engine":{"name":"m","version":"1"},"pitch_curve":{"hop_s":0.01,"f0_hz":[1],"voicing":[]}}`), orak.ClassDependency},
		"NaN":                        {answering(200, `{"engine":{"name":"m","version":"1"},"pitch_curve":{"hop_s":0.01,"f0_hz":[NaN],"voicing":[1]}}`), orak.ClassDependency},
		"a pitch below 0":            {answering(200, `{"engine":{"name":"m","version":"1"},"pitch_curve":{"hop_s":0.01,"f0_hz":[-1],"voicing":[1]}}`), orak.ClassDependency},
		"a pitch beyond all":         {answering(200, `{"engine":{"name":"m","version":"1"},"pitch_curve":{"hop_s":0.01,"f0_hz":[9000],"voicing":[1]}}`), orak.ClassDependency},
		"a voicing of 2":             {answering(200, `{"engine":{"name":"m","version":"1"},"pitch_curve":{"hop_s":0.01,"f0_hz":[1],"voicing":[2]}}`), orak.ClassDependency},
		"no hop":                     {answering(200, `{"engine":{"name":"m","version":"1"},"pitch_curve":{"f0_hz":[1],"voicing":[1]}}`), orak.ClassDependency},
		"a hop of parts of a sample": {answering(200, `{"engine":{"name":"m","version":"1"},"pitch_curve":{"hop_s":0.0116,"f0_hz":[1],"voicing":[1]}}`), orak.ClassDependency},
		"a nameless embedding":       {answering(200, good+`,"embedding":{"name":"","version":"1","values":[1]}}`), orak.ClassDependency},
		"an embedding of no version": {answering(200, good+`,"embedding":{"name":"e","values":[1]}}`), orak.ClassDependency},
		"a key of no mode":           {answering(200, good+`,"key":{"tonic":"C","mode":"","confidence":1}}`), orak.ClassDependency},
		"a key of another alphabet":  {answering(200, good+`,"key":{"tonic":"H","mode":"minor","confidence":1}}`), orak.ClassDependency},
		"a key more than sure":       {answering(200, good+`,"key":{"tonic":"C","mode":"major","confidence":1.1}}`), orak.ClassDependency},
		"a tempo backwards":          {answering(200, good+`,"tempo":{"bpm":-1,"confidence":1}}`), orak.ClassDependency},
		"a tempo beyond all":         {answering(200, good+`,"tempo":{"bpm":1e9,"confidence":1}}`), orak.ClassDependency},
		"an empty embedding":         {answering(200, good+`,"embedding":{"name":"e","version":"1","values":[]}}`), orak.ClassDependency},
		"an embedding near infinity": {answering(200, good+`,"embedding":{"name":"e","version":"1","values":[3e38]}}`), orak.ClassDependency},
		"it hangs up":                {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, orak.ClassDependency},
		"it hangs up in the answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
			panic(http.ErrAbortHandler)
		}, orak.ClassDependency},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(serve(t, c.handler)).Analyze(t.Context(), make([]int16, 160))
			f := faultOf(t, err)
			require.Equal(t, c.want, f.Class, "%v", err)
			require.NotEmpty(t, f.Message)
			if f.Class == orak.ClassDependency || f.Class == orak.ClassOverload {
				require.Equal(t, orak.DependencyModelServer, f.Dependency)
			}
		})
	}
}

func TestValidAnswerIsAccepted(t *testing.T) {
	t.Parallel()
	body := `{"engine":{"name":"m","version":"1"},"pitch_curve":{"hop_s":0.01,"f0_hz":[100],"voicing":[1]},"embedding":{"name":"e","version":"1","values":[1]},"more":1}`
	got, err := New(serve(t, answering(200, body))).Analyze(t.Context(), make([]int16, 160))
	require.NoError(t, err)
	require.Equal(t, []float32{100}, got.Curve.F0Hz)
	require.Equal(t, "e", got.Embedding.Name)
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	_, err := New(serve(t, answering(307, "", "Location", other.URL))).Analyze(t.Context(), make([]int16, 160))
	require.Equal(t, orak.ClassDependency, faultOf(t, err).Class)
	require.Zero(t, elsewhere.Load())
}

func TestSlowServerIsNotAnAbsentOne(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"before its answer": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		},
		"within its answer": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = w.Write([]byte("{"))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := serve(t, handler)
			cfg.Timeout = 200 * time.Millisecond
			_, err := New(cfg).Analyze(t.Context(), make([]int16, 160))
			require.Equal(t, orak.ClassTransient, faultOf(t, err).Class, "%v", err)
		})
	}
}

func TestClosedIdleConnectionIsNoOutage(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	good := honest(t, nil)
	c := New(serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Idempotency-Key") != "" {
			t.Error("the header is for the transport alone")
		}
		if n.Add(1) == 2 {
			panic(http.ErrAbortHandler)
		}
		good(w, r)
	}))
	for range 2 {
		got, err := c.Analyze(t.Context(), make([]int16, 160))
		require.NoError(t, err)
		require.Len(t, got.Curve.F0Hz, 1)
	}
	require.EqualValues(t, 3, n.Load())
}

func TestAbsentServerIsADependencyFault(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = New(settings("http://"+l.Addr().String())).Analyze(t.Context(), nil)
	require.Equal(t, orak.ClassDependency, faultOf(t, err).Class)
	require.ErrorContains(t, New(settings("http://"+l.Addr().String())).Ready(t.Context(), ReadyPath), "refused")
}

func TestBusyServerIsRetriedInPlace(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		n, good := 0, honest(t, nil)
		cfg := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if n++; n == 1 {
				answering(status, "", "Retry-After", "1")(w, r)
				return
			}
			good(w, r)
		})
		got, err := record(t, New(cfg), ramp(800), false)
		require.NoError(t, err)
		require.Len(t, got.Curve.F0Hz, 5)
		require.Equal(t, 2, n)
	}
}

func TestBusyServerPastPatienceFreesTheSlot(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	cfg := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		answering(http.StatusTooManyRequests, "", "Retry-After", "120")(w, r)
	})
	_, err := record(t, New(cfg), ramp(800), false)
	f := faultOf(t, err)
	require.Equal(t, orak.ClassOverload, f.Class)
	require.Equal(t, 2*time.Minute, f.RetryAfter)
	require.EqualValues(t, 1, n.Load())
}

func TestRetryAfterReadsBothForms(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": time.Second, "7": 7 * time.Second, "0": time.Second, "-3": time.Second, "99999999": time.Hour, "99999999999999999999": time.Second,
		"soon": time.Second, now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second, now.Add(-time.Hour).Format(http.TimeFormat): time.Second,
		now.Add(48 * time.Hour).Format(http.TimeFormat): time.Hour,
	} {
		require.Equal(t, want, retryAfter(header, now), header)
	}
}

func TestCapacityIsChecked(t *testing.T) {
	t.Parallel()
	got, err := New(serve(t, answering(200, `{"engine":{"name":"m","version":"1"},"slots":2,"queue":8,"memory_bytes_per_second":3000000}`))).Capacity(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, got.Slots)
	for _, body := range []string{`{}`, `null`, `<`, `{"engine":{"name":"m","version":"1"}}`, `{"engine":{"name":"m","version":"1"},"slots":1,"memory_bytes_per_second":-1}`,
		`{"engine":{"name":"a b","version":"1"},"slots":1}`} {
		_, err := New(serve(t, answering(200, body))).Capacity(t.Context())
		require.Equal(t, orak.ClassDependency, faultOf(t, err).Class, body)
	}
}
