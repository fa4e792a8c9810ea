package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"orak"
	"orak/api/resource"
)

// Cancel asks for the end of the processing of an upload, and returns it as it is. Its
// status is canceled if it had been canceled before; otherwise it becomes so moments
// later, unless the processing ends first. For one that has ended otherwise the error is
// an *Error of status 409.
func (c *Client) Cancel(ctx context.Context, id orak.UploadID, reason string) (resource.Upload, error) {
	query := ""
	if reason != "" {
		query = "?" + url.Values{"reason": {reason}}.Encode()
	}
	return call[resource.Upload](ctx, c, http.MethodPost, uploadPath(id)+"/cancel"+query, nil)
}

// AwaitFinal waits until the status of an upload is final, or the upload halted, and
// returns it. While the server does not answer it goes on waiting, until ctx ends.
func (c *Client) AwaitFinal(ctx context.Context, id orak.UploadID) (resource.Upload, error) {
	for wait := firstLook; ; wait = min(2*wait, maxLook) {
		u, err := c.Upload(ctx, id)
		switch {
		case ctx.Err() != nil:
			return u, context.Cause(ctx)
		case err != nil && !again(err):
			return u, err
		case err == nil && (u.Status.Final() || u.Halted):
			return u, nil
		}
		if err := c.pause(ctx, max(wait, min(waitOf(err), time.Minute))); err != nil {
			return u, err
		}
	}
}
