package api

import (
	"context"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"

	"orak"
	"orak/activities/messages"
	"orak/api/resource"
	"orak/workflows"
)

// detail collects everything about a dead letter. If the history cannot be read, it
// leaves out what comes from there.
func (s *Server) detail(ctx context.Context, x *exchange, st state) resource.DeadLetterDetail {
	workflowID := workflows.UploadWorkflowID(st.Upload.ID)
	self := "/v1/dead-letters/" + string(st.Upload.ID)
	d := resource.DeadLetterDetail{
		DeadLetter: s.deadLetter(st.Progress, workflowID, st.runID),
		First:      st.First, Restarts: st.Restarts, Timeline: st.Timeline,
		Links: resource.DeadLetterLinks{
			Self: self, Upload: linksOf(st.Upload.ID).Self, Reprocess: self + "/reprocess", Discard: self + "/discard",
		},
		Commands: s.commands(st.Upload.Tenant, st.Upload.ID),
	}
	if d.Timeline == nil {
		d.Timeline = []orak.Mark{}
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.StatusTimeout)
	defer cancel()
	in, settings, err := s.beginning(ctx, workflowID, st.runID)
	if err != nil {
		x.log.WarnContext(ctx, "the history of a parked workflow cannot be read", "workflow_id", workflowID, "error", err)
		return d
	}
	d.Event = eventOf(in.Origin)
	if settings.ParkFor > 0 {
		// UpdatedAt is the time at which it was parked.
		d.ExpiresAt = st.UpdatedAt.Add(settings.ParkFor)
	}
	return d
}

// maxBeginning is the number of events of a history that beginning reads; early
// signals are among them.
const maxBeginning = 100

// beginning reads the input of a run and its settings, the value of its first side
// effect, from its history. Absent settings are zero.
func (s *Server) beginning(ctx context.Context, workflowID, runID string) (in workflows.ProcessUploadInput, settings workflows.Settings, err error) {
	history := s.workflows.GetWorkflowHistory(ctx, workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		e, err := history.Next()
		if err != nil {
			return in, settings, fmt.Errorf("reading the history: %w", err)
		}
		if started := e.GetWorkflowExecutionStartedEventAttributes(); started != nil {
			if err := s.payloads.Decode(started.GetInput(), &in); err != nil {
				return in, settings, fmt.Errorf("decoding the input: %w", err)
			}
		}
		if marker := e.GetMarkerRecordedEventAttributes(); marker.GetMarkerName() == "SideEffect" {
			if err := s.payloads.Decode(marker.GetDetails()["data"], &settings); err != nil {
				return in, settings, fmt.Errorf("decoding the settings: %w", err)
			}
			return in, settings, nil
		}
		if e.GetEventId() >= maxBeginning {
			break
		}
	}
	return in, settings, nil
}

// commands are the command lines for an operator who handles a dead letter.
func (s *Server) commands(t orak.Tenant, id orak.UploadID) resource.Commands {
	c := messages.Commands{Namespace: s.namespace}
	const input = `{"reason":"WHY","by":"WHO"}`
	return resource.Commands{
		Inspect:   resource.Command(c.Show(id, t, workflows.QueryStatus)),
		Reprocess: resource.Command(c.Decide(workflows.SignalReprocess, id, t, input)),
		Discard:   resource.Command(c.Decide(workflows.SignalDiscard, id, t, input)),
	}
}
