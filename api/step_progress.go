package api

import (
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
)

// heartbeat is the first detail of the heartbeats of a step, as far as it is read.
// Other forms count as unknown.
type heartbeat struct {
	Done     *float64 `json:"done"`
	Attempts int      `json:"attempts"`
}

// stepProgress returns the counted attempt of the running step, 0 before the first,
// and the completed share, nil if it is unknown.
func (s *Server) stepProgress(pending []*workflow.PendingActivityInfo) (attempt int, share *float64) {
	for _, a := range pending {
		hb, known := s.heartbeatOf(a)
		if known {
			attempt = hb.Attempts
		}
		if a.GetState() != enumspb.PENDING_ACTIVITY_STATE_SCHEDULED {
			attempt = max(attempt, 1)
			if hb.Done != nil && *hb.Done >= 0 && *hb.Done <= 1 {
				share = hb.Done
			}
		}
		if known {
			return attempt, share
		}
	}
	return attempt, share
}

func (s *Server) heartbeatOf(a *workflow.PendingActivityInfo) (heartbeat, bool) {
	var hb heartbeat
	details := a.GetHeartbeatDetails()
	if len(details.GetPayloads()) == 0 || s.payloads.Decode(details, &hb) != nil {
		return heartbeat{}, false
	}
	return hb, true
}
