// Package api is orak's HTTP edge: it takes recordings in, and says what has
// become of them.
//
// # The promise of a 202
//
// An upload that was answered with 202 is processed, whatever fails
// afterwards. Three writes in this order see to it:
//
//	1 marker    pending/<tenant>/<id>.json          the outbox
//	2 object    uploads/<tenant>/<id>/original      whole or absent
//	3 event     orak.uploads, acknowledged by all in-sync replicas
//	  202       and the marker is removed
//
// Kafka is waited for only briefly (Config.AckWait). Where it is slow or down
// the answer is 202 all the same, and the marker stays until the event is
// acknowledged: by the producer's own later retry, or by the relay, which
// lists the markers at start and from time to time. Every event of an upload
// has the same id and starts the same workflow, so that announcing one twice
// is harmless, and any number of replicas may relay at once.
//
// A body that ends before its end is known to be true (the Content-Length is
// reached, the digest matches, the form is closed) never becomes an object.
//
// # The server
//
// Fiber on fasthttp, with request bodies streamed. What follows from that is
// kept in three places: unread_body.go ends the connection after every request whose
// body was not read to its end, since fasthttp would take the rest for the
// next request; body.go guards the stream; listener.go lets a client that is
// still sending read its answer.
//
// # Tenants
//
// The tenant comes from the header X-Orak-Tenant and is believed: a gateway in
// front authenticates callers and sets it. An upload of another tenant is 404,
// as one that never was. Without the header, or with an empty one, the tenant is
// orak.DefaultTenant and nothing more; given twice, it is refused. Only the dead
// letters take EveryTenant, and only with Config.AllTenants.
//
// # Status
//
// There is no database here. Temporal's memo is the truth while the workflow
// is remembered, the object outcome.json afterwards; an upload that neither
// knows is queued if its recording is there.
package api
