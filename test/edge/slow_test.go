package edge

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// memoryBound is the most memory that the API role may use, in bytes: the default
// settings are for a container of 512 MiB.
const memoryBound = 450 << 20

func TestUploadCompletesWhileHundredsOfSendersAreSlow(t *testing.T) {
	for name, begin := range map[string][]byte{
		"bodies": slowBody(1_500_000),
		"forms":  slowForm(1_500_000),
	} {
		t.Run(name, func(t *testing.T) {
			// The store's patience is shorter than the storm.
			s := start(t, "", "ORAK_S3_STALL_TIMEOUT=10s")
			s.honest(wav(2_000_000))
			before := s.descriptors()
			ended := s.storm(200, begin)
			s.alive()
			for range 5 {
				s.honest(wav(2_000_000))
			}
			s.honest(wav(99_000_000))
			s.alive()
			ended()
			t.Logf("memory at most %d MiB; descriptors %d before", s.peak()>>20, before)
			require.Less(t, s.peak(), int64(memoryBound))
			s.nothingLeft(before, 7)
			require.Zero(t, s.metric(`orak_outage_reports_total{dependency="store"}`), "a slow client is no outage")
		})
	}
}

// nothingLeft waits until the store has only the accepted recordings, and the
// process no more connections than before.
func (s *service) nothingLeft(descriptors, accepted int) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return len(s.objects()) == accepted && len(s.unfinished()) == 0 },
		patience, patience/200, "the store has the accepted recordings and nothing else")
	require.Eventually(s.t, func() bool { return s.descriptors() <= descriptors+8 },
		patience, patience/200, "the connections are closed")
	require.Zero(s.t, s.metric("orak_api_uploads_in_flight"))
}
