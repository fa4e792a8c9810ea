package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"orak"
	"orak/api/resource"
	"orak/client"
	"orak/test/accounts"
)

// operator decides about dead letters during the storm, and erases uploads, as planned,
// and asks again if the answer was lost.
type operator struct{ client *client.Client }

const by = "chaos"

// work does what is planned for s.
func (o operator) work(ctx context.Context, s *sending) {
	if s.Operate == accounts.Erase {
		o.erase(ctx, s)
		return
	}
	o.decide(ctx, s)
}

// erase erases the upload once it is completed, and returns when that is done or ctx
// ends.
func (o operator) erase(ctx context.Context, s *sending) {
	completed := false
	for ; ctx.Err() == nil; accounts.Pause(ctx, 500*time.Millisecond) {
		if !completed {
			u, err := o.client.Upload(ctx, s.ID)
			completed = err == nil && u.Status == orak.StatusCompleted
			continue
		}
		if done, err := o.client.Erase(ctx, s.ID, by, "chaos"); err == nil && done {
			return
		}
	}
}

// decide acts once the upload is parked, and returns when that is done or ctx
// ends. What it says may have been done
// although the answer was lost; so it looks first, each time.
func (o operator) decide(ctx context.Context, s *sending) {
	for ; ctx.Err() == nil; accounts.Pause(ctx, 500*time.Millisecond) {
		letter, err := o.client.DeadLetter(ctx, s.ID)
		switch {
		case refusedWith(err, http.StatusNotFound):
			u, err := o.client.Upload(ctx, s.ID)
			if err == nil && (u.Status.Final() || u.Halted) {
				return
			}
			continue
		case err != nil:
			continue
		case s.Operate == accounts.Reprocess && letter.Cycle > 0:
			return
		}
		if o.act(ctx, s) == nil {
			return
		}
	}
}

func (o operator) act(ctx context.Context, s *sending) error {
	var err error
	if s.Operate == accounts.Discard {
		_, err = o.client.Discard(ctx, s.ID, resource.DiscardRequest{By: by, Reason: "chaos"})
	} else {
		_, err = o.client.Reprocess(ctx, s.ID, resource.ReprocessRequest{From: orak.StageConvert, By: by, Reason: "chaos"})
	}
	return err
}

func refusedWith(err error, status int) bool {
	var refusal *client.Error
	return errors.As(err, &refusal) && refusal.Problem.Status == status
}
