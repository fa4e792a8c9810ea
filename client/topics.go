package client

import (
	"context"
	"net/http"

	"orak/api/resource"
)

// Topics returns the topics of orak: partitions, rates and risks. It needs the scope
// operate. Rates are null at first, since they are measured while somebody asks.
func (c *Client) Topics(ctx context.Context) (resource.Topics, error) {
	return call[resource.Topics](ctx, c, http.MethodGet, "/v1/topics", nil)
}
