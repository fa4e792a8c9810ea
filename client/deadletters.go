package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"orak"
	"orak/api/resource"
)

// Selection selects dead letters; its zero value selects all.
type Selection struct {
	// Stages and Classes select the letters of any of them; empty means every.
	Stages  []orak.Stage
	Classes []orak.Class
	// OlderThan, NewerThan and Before bound the time of the last failure; the
	// zero time is no bound. OlderThan and Before mean the same; the earlier
	// one counts.
	OlderThan, NewerThan, Before time.Time
	// Text selects letters with it in their file name, message or id, whatever
	// the case.
	Text string
	// Page is the maximum number of letters on a page; 0 means the server's
	// maximum, which bounds other values, too.
	Page int
}

const deadLettersPath = "/v1/dead-letters"

// maxPage is the server's maximum for a page.
const maxPage = 200

// DeadLetters returns one page of the selected dead letters. token is the Next
// of the page before; empty means the first page. A page may be empty and still
// have a next one.
func (c *Client) DeadLetters(ctx context.Context, sel Selection, token string) (resource.DeadLetterPage, error) {
	query := sel.query()
	size := maxPage
	if sel.Page > 0 {
		size = min(sel.Page, maxPage)
	}
	query.Set("page_size", strconv.Itoa(size))
	if token != "" {
		query.Set("page_token", token)
	}
	return call[resource.DeadLetterPage](ctx, c, http.MethodGet, deadLettersPath+"?"+query.Encode(), nil)
}

func (s Selection) query() url.Values {
	query := url.Values{}
	for _, stage := range s.Stages {
		query.Add("stage", string(stage))
	}
	for _, class := range s.Classes {
		query.Add("class", string(class))
	}
	for name, at := range map[string]time.Time{"older_than": s.OlderThan, "newer_than": s.NewerThan, "before": s.Before} {
		if !at.IsZero() {
			query.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	if s.Text != "" {
		query.Set("text", s.Text)
	}
	return query
}

// DeadLetter returns everything about one parked upload; for any other upload
// the error is an *Error of status 404.
func (c *Client) DeadLetter(ctx context.Context, id orak.UploadID) (resource.DeadLetterDetail, error) {
	return call[resource.DeadLetterDetail](ctx, c, http.MethodGet, deadLetterPath(id), nil)
}

// Reprocess runs a parked upload again and returns its new status.
func (c *Client) Reprocess(ctx context.Context, id orak.UploadID, req resource.ReprocessRequest) (resource.Upload, error) {
	return call[resource.Upload](ctx, c, http.MethodPost, deadLetterPath(id)+"/reprocess", req)
}

// Discard ends a parked upload for good and returns its new status.
func (c *Client) Discard(ctx context.Context, id orak.UploadID, req resource.DiscardRequest) (resource.Upload, error) {
	return call[resource.Upload](ctx, c, http.MethodPost, deadLetterPath(id)+"/discard", req)
}

func deadLetterPath(id orak.UploadID) string {
	return deadLettersPath + "/" + url.PathEscape(string(id))
}
