package events

import (
	"fmt"
	"strconv"

	"orak"
)

// EndID is the id of the event that says how an upload ended. There is one for
// each cycle, however it ended and whichever run or attempt emits it, so that a
// consumer which drops repeats sees one end.
func EndID(id orak.UploadID, cycle int) string { return string(id) + "/end/" + strconv.Itoa(cycle) }

// End is the event that says how the upload of p ended. It follows from p alone:
// whoever finds an outcome can finish what it began. The error is that the
// status of p is not one in which a workflow ends an upload.
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
		l.Stage = p.Stage // said only of a step that failed
	}
	name(&l, p)
	if n := len(p.Timeline); n > 0 && p.Timeline[n-1].Kind == orak.MarkDiscarded {
		l.By, l.Reason = p.Timeline[n-1].By, p.Timeline[n-1].Reason
	}
	return EndID(p.Upload.ID, p.Cycle), t, l, nil
}

// name names the objects that the stages before the one of p have left.
func name(l *Lifecycle, p orak.Progress) {
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
