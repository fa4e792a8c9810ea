package client

import (
	"context"
	"net/http"

	"orak/api/resource"
)

// LoginCode makes a code that logs in to the console once, within 5 minutes, as the
// client's API key. It is a credential.
func (c *Client) LoginCode(ctx context.Context) (resource.LoginCode, error) {
	return call[resource.LoginCode](ctx, c, http.MethodPost, "/v1/login-codes", nil)
}

// Session says who the client is to the server. A credential that is not valid is no
// error: Session.Authenticated is false then.
func (c *Client) Session(ctx context.Context) (resource.Session, error) {
	return call[resource.Session](ctx, c, http.MethodGet, "/v1/session", nil)
}
