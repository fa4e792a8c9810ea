package resource

import "orak"

// Headers of requests.
const (
	// HeaderTenant names the tenant of a request. The gateway in front of the
	// API authenticates the caller and sets it.
	HeaderTenant = "X-Orak-Tenant"
	// HeaderIdempotencyKey makes a repeat of an upload the same upload.
	HeaderIdempotencyKey = "Idempotency-Key"
	// HeaderContentDigest is RFC 9530's: "sha-256=:<base64>:".
	HeaderContentDigest = "Content-Digest"
)

// EveryTenant is the value of HeaderTenant with which an operator means all
// tenants at once. It is no tenant's name. It is taken only for dead letters,
// and only by a server that is started with --api-all-tenants. It is a header
// and not a parameter because the gateway in front sets or removes the header.
const EveryTenant orak.Tenant = "*"
