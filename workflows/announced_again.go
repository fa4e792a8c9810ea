package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/workflow"

	"orak"
)

// byAnnouncement is the By of a mark where an upload was announced again.
const byAnnouncement = "announcement"

// checkAnnouncement refuses to run an upload with an incomplete announcement.
func (u *upload) checkAnnouncement() error {
	if u.in.Refused == nil {
		return nil
	}
	if err := u.in.Upload.Validate(); err != nil {
		return fmt.Errorf("the announcement of this upload cannot be used (%w); announce the upload again, or discard it", err)
	}
	return nil
}

// takeAnnouncements receives announcements that replace a refused one, and runs the
// upload with them.
func (u *upload) takeAnnouncements(ctx workflow.Context) {
	announced := workflow.GetSignalChannel(ctx, SignalAnnounced)
	for a := (Announced{}); announced.ReceiveAsync(&a); a = (Announced{}) {
		c := command{from: orak.StageConvert, by: byAnnouncement, reason: "The upload was announced again."}
		invalid := u.checkAnnounced(ctx, a)
		if invalid == nil {
			u.in.Upload, u.in.Origin, u.in.Refused = a.Upload, a.Origin, nil
			u.progress.Upload = a.Upload
		}
		u.obey(ctx, SignalAnnounced, invalid, c)
	}
}

// checkAnnounced refuses an announcement that does not replace a refused one.
func (u *upload) checkAnnounced(ctx workflow.Context, a Announced) error {
	if err := u.checkParked(ctx); err != nil {
		return err
	}
	switch have := u.in.Upload; {
	case u.progress.Stage != orak.StageReceive:
		return errors.New("the upload did not fail at its announcement")
	case a.Upload.ID != have.ID || a.Upload.Tenant != have.Tenant:
		return errors.New("another upload is announced")
	default:
		return a.Upload.Validate()
	}
}
