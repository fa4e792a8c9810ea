// Package api is the HTTP API: it accepts recordings and reports their state.
//
// # The promise of a 202
//
// An upload that was answered with 202 is processed, whatever fails afterwards.
// Three writes in this order ensure it:
//
//	1 marker    pending/<tenant>/<id>.json          the outbox
//	2 object    uploads/<tenant>/<id>/original      whole or absent
//	3 event     orak.uploads, handed to the producer
//	  202
//	  removal   of the marker, once all in-sync replicas have acknowledged the event
//
// The marker is written while the body arrives, and the end of the body is withheld
// from the store until it is written: nothing ever looks for a recording without a
// marker, so one must not exist, also after a crash between the two.
//
// The answer does not wait for Kafka: the marker is as durable as the recording. It
// stays until the event is acknowledged: at once, after a retry of the producer, or by
// the relay, which lists the markers at start and periodically. All events of an upload have the same id and
// start the same workflow, so that repeated announcements are harmless, and any
// number of replicas may relay at once.
//
// A body becomes an object only if its end is verified: the Content-Length is
// reached, the digest matches, the form is closed.
//
// # The server
//
// The server is Fiber on fasthttp with streamed request bodies. Three places handle
// the consequences: unread_body.go ends the connection after every request whose body
// was not read to its end, since fasthttp would take the rest for the next request;
// body.go guards the stream; internal/listen lets a client that is still sending
// read its answer.
//
// # Tenants
//
// The tenant is taken from the header X-Orak-Tenant, which is trusted: a gateway in
// front authenticates callers and sets it. An upload of another tenant is 404, like
// one that does not exist. Without the header, or with an empty one, the tenant is
// orak.DefaultTenant; a repeated header is refused. Only the dead letters accept
// EveryTenant, and only with Config.AllTenants.
//
// # Status
//
// There is no database. The status comes from the memo of the workflow while
// Temporal retains it, and from the object outcome.json afterwards. An upload that
// neither knows is queued if its recording is stored.
package api
