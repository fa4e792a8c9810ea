package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"orak/api/resource"
)

// ActQuery selects acts; its zero value selects all of the tenant.
type ActQuery struct {
	// By is a credential, such as "key/k3npggu6225g", or the whole by of an act.
	By string
	// Act is such as "key.revoke", or "key" for every act on keys.
	Act string
	// Subject is what was done to, such as the id of an upload.
	Subject string
	// From and To bound the time: from From, until before To.
	From, To time.Time
	// Page is the maximum number on a page; 0 means the server's maximum.
	Page int
}

// Audit returns one page of what was done by whom, the latest first. token is the Next of
// the page before; empty means the first page.
func (c *Client) Audit(ctx context.Context, q ActQuery, token string) (resource.ActPage, error) {
	values := url.Values{}
	for name, text := range map[string]string{"by": q.By, "act": q.Act, "subject": q.Subject} {
		if text != "" {
			values.Set(name, text)
		}
	}
	for name, at := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !at.IsZero() {
			values.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	return call[resource.ActPage](ctx, c, http.MethodGet, "/v1/audit?"+paged(values, q.Page, token).Encode(), nil)
}
