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

// Selection says which dead letters are meant; its zero value means all.
type Selection struct {
	// Stages and Classes are any of those that are named; none means every.
	Stages  []orak.Stage
	Classes []orak.Class
	// OlderThan, NewerThan and Before bound the time of the last failure; the
	// zero time is no bound. OlderThan and Before mean the same, and the
	// earlier one counts.
	OlderThan, NewerThan, Before time.Time
	// Text is looked for in file name, message and id, in upper and lower case
	// alike.
	Text string
	// Page is how many a page may have; 0, and more than the server gives, is
	// as many as it gives.
	Page int
}

const deadLettersPath = "/v1/dead-letters"

// maxPage is the largest page that the server gives.
const maxPage = 200

// DeadLetters fetches one page of the parked uploads that are selected; an
// empty token means the first. A page may be empty and still have a next one.
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

// DeadLetter fetches everything about one parked upload; for any other it is an
// *Error of status 404.
func (c *Client) DeadLetter(ctx context.Context, id orak.UploadID) (resource.DeadLetterDetail, error) {
	return call[resource.DeadLetterDetail](ctx, c, http.MethodGet, deadLetterPath(id), nil)
}

// Reprocess runs a parked upload again and tells where it stands then.
func (c *Client) Reprocess(ctx context.Context, id orak.UploadID, req resource.ReprocessRequest) (resource.Upload, error) {
	return call[resource.Upload](ctx, c, http.MethodPost, deadLetterPath(id)+"/reprocess", req)
}

// Discard gives a parked upload up and tells where it stands then.
func (c *Client) Discard(ctx context.Context, id orak.UploadID, req resource.DiscardRequest) (resource.Upload, error) {
	return call[resource.Upload](ctx, c, http.MethodPost, deadLetterPath(id)+"/discard", req)
}

func deadLetterPath(id orak.UploadID) string {
	return deadLettersPath + "/" + url.PathEscape(string(id))
}
