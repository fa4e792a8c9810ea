// Package auth says who calls, and what the caller may do.
//
// # Credentials
//
// An API key is the bearer "orak_<id>_<secret>". The id names the document of the key
// on the control plane, which has the SHA-256 of the secret: a secret has 256 random
// bits, so that a slow hash would add nothing. A key may mint upload tokens: the bearer
// "orak_<id>.<claims>.<signature>". They are signed with an Ed25519 key that is derived
// from the secret, whose public half is in the document. So any process verifies a
// token without having seen it before, nobody can make one from the documents, and a
// token ends with its key (decision 0031). Everything else is for a Verifier, where there
// is one: JWTs verifies those of one issuer, whose public keys it fetches.
//
// # Modes
//
// ModeRequired is the default: a request has a credential, or is denied. ModeGateway
// trusts two headers, which a gateway in front sets after it has authenticated the
// caller. ModeNone trusts the tenant's header and permits everything; internal/app
// refuses it where the API listens beyond loopback.
package auth
