package client

import (
	"context"
	"net/http"

	"orak/api/resource"
)

// Queues returns the task queues: what waits in them, and who works on them. It needs
// the scope operate. The server shares an answer between callers for a few seconds.
func (c *Client) Queues(ctx context.Context) (resource.Queues, error) {
	return call[resource.Queues](ctx, c, http.MethodGet, "/v1/queues", nil)
}
