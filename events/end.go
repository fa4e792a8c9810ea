package events

import (
	"fmt"
	"strconv"

	"orak"
)

// EndID returns the id of the event that says how an upload ended. Each cycle has
// one, however the upload ended and from any run or attempt, so that a
// consumer that drops repeats sees one end.
func EndID(id orak.UploadID, cycle int) string { return string(id) + "/end/" + strconv.Itoa(cycle) }

// End returns the event that says how the upload of p ended, as arguments of
// NewLifecycle. It depends only on p, so that whatever finds an outcome can emit
// its event. It returns an error if no workflow ends an upload with the status of
// p.
func End(p orak.Progress) (id string, t Type, l Lifecycle, err error) {
	switch p.Status {
	case orak.StatusCompleted:
		t = Completed
	case orak.StatusDiscarded:
		t = Discarded
	case orak.StatusExpired:
		t = Expired
	case orak.StatusCanceled:
		t = Canceled
	default:
		return "", "", Lifecycle{}, fmt.Errorf("an upload does not end as %q", p.Status)
	}
	l = Lifecycle{Upload: p.Upload, Status: p.Status, Cycle: p.Cycle, Failure: p.Failure}
	if p.Failure != nil {
		l.Stage = p.Stage // only with a failure
	}
	addKeys(&l, p)
	if n := len(p.Timeline); n > 0 && p.Timeline[n-1].Kind == orak.MarkDiscarded {
		l.By, l.Reason = p.Timeline[n-1].By, p.Timeline[n-1].Reason
	}
	return EndID(p.Upload.ID, p.Cycle), t, l, nil
}

// addKeys sets the keys of the objects that the stages before the stage of p have
// written.
func addKeys(l *Lifecycle, p orak.Progress) {
	done, tenant, id := p.Status == orak.StatusCompleted, p.Upload.Tenant, p.Upload.ID
	if done || p.Stage == orak.StageAnalyze || p.Stage == orak.StagePublish {
		l.AudioKey = orak.AudioKey(tenant, id)
	}
	if done || p.Stage == orak.StagePublish {
		l.PitchKey = orak.PitchKey(tenant, id)
	}
	if done {
		l.AnalysisKey = orak.AnalysisKey(tenant, id)
	}
}
