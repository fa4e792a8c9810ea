package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"orak"
	"orak/api/resource"
)

// The waits between two queries about an upload that is being erased.
const (
	firstLook = 200 * time.Millisecond
	maxLook   = 2 * time.Second
)

// Erase requests the erasure of an upload; by is who asks. done is true if the
// upload was erased before.
func (c *Client) Erase(ctx context.Context, id orak.UploadID, by, reason string) (done bool, err error) {
	query := url.Values{"by": {by}, "reason": {reason}}
	e, err := call[resource.Erasing](ctx, c, http.MethodDelete, uploadPath(id)+"?"+query.Encode(), nil)
	return err == nil && e.ID == "", err
}

// AwaitErased waits until an upload is erased and returns the time at which it
// was. While the server does not answer it goes on waiting, until ctx ends.
func (c *Client) AwaitErased(ctx context.Context, id orak.UploadID) (time.Time, error) {
	for wait := firstLook; ; wait = min(2*wait, maxLook) {
		_, err := c.Upload(ctx, id)
		var refusal *Error
		switch {
		case ctx.Err() != nil:
			return time.Time{}, context.Cause(ctx)
		case errors.As(err, &refusal) && refusal.Problem.Type == resource.ProblemErased:
			if at := refusal.Problem.ErasedAt; !at.IsZero() {
				return at, nil
			}
		case err != nil && !again(err):
			return time.Time{}, err
		}
		if err := c.pause(ctx, wait); err != nil {
			return time.Time{}, err
		}
	}
}
