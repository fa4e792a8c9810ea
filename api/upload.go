package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.opentelemetry.io/otel/propagation"

	"orak"
	"orak/api/resource"
	"orak/internal/objectstore"
	"orak/internal/outbox"
)

// incoming is an upload in progress.
type incoming struct {
	*recording
	x      *exchange
	id     orak.UploadID
	tenant orak.Tenant
	// repeatable means that the caller gave an Idempotency-Key: another request
	// may be sending the same upload concurrently.
	repeatable bool
	mediaType  string
	// body is the recording from its first byte.
	body io.Reader
}

// postUpload accepts a recording; see the package comment for its promise.
func (s *Server) postUpload(c *fiber.Ctx) error {
	u, outcome, err := s.receive(c)
	if bodyOf(c).awaited() {
		return err
	}
	if err != nil {
		s.outages.Report(err)
		s.metrics.uploads.WithLabelValues(string(asRefusal(err).code)).Inc()
		return err
	}
	s.metrics.uploads.WithLabelValues(outcome).Inc()
	return s.answerAccepted(c, u, outcome)
}

// answerAccepted answers 202 with an upload.
func (s *Server) answerAccepted(c *fiber.Ctx, u orak.Upload, outcome string) error {
	st := state{Progress: orak.Progress{Upload: u, Status: orak.StatusQueued, UpdatedAt: u.ReceivedAt}}
	if outcome == outcomeRepeated {
		// The earlier upload may have progressed; if its status cannot be
		// read, queued is still correct.
		if earlier, err := s.lookup(c.UserContext(), u.Tenant, u.ID); err == nil {
			st = earlier
			st.Upload.Size, st.Upload.SHA256 = u.Size, u.SHA256 // the store may not know the digest
		}
	}
	answer := st.resource()
	c.Set(fiber.HeaderLocation, answer.Links.Self)
	return c.Status(fiber.StatusAccepted).JSON(answer)
}

// The outcomes of an accepted upload.
const (
	outcomeAccepted = "accepted"
	outcomeRepeated = "repeated"
)

func (s *Server) receive(c *fiber.Ctx) (orak.Upload, string, error) {
	ctx := c.UserContext()
	tenant, err := tenantOf(c)
	if err != nil {
		return orak.Upload{}, "", err
	}
	if err := s.accepting(tenant); err != nil {
		return orak.Upload{}, "", err
	}
	release, err := s.admission.admit(tenant, bodyOf(c))
	if err != nil {
		return orak.Upload{}, "", err
	}
	defer release()
	in, err := s.open(c, tenant)
	if err != nil {
		return orak.Upload{}, "", err
	}
	if in.repeatable {
		if err := s.refuseErased(ctx, in); err != nil {
			return orak.Upload{}, "", err
		}
		info, err := s.store.Stat(ctx, orak.OriginalKey(in.tenant, in.id))
		if err == nil {
			return s.repeat(ctx, in, info)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return orak.Upload{}, "", err
		}
	}
	m := outbox.Marker{
		Upload: in.describe(orak.Upload{
			ID: in.id, Tenant: in.tenant, Key: orak.OriginalKey(in.tenant, in.id),
			ContentType: in.mediaType, Filename: in.filename, ReceivedAt: time.Now().UTC().Truncate(orak.TimePrecision),
		}),
	}
	m.Traceparent, m.Tracestate = traceOf(ctx)
	return s.keep(ctx, in, m)
}

// accepting refuses new uploads while operators have paused them.
func (s *Server) accepting(t orak.Tenant) error {
	if s.paused == nil || !s.paused(t) {
		return nil
	}
	s.metrics.turnedAway.WithLabelValues("paused").Inc()
	return refuse(codeIntakePaused, "The operators have paused uploads for a while. Nothing was stored; send this one again later.")
}

// unknownMedia refuses a recording whose first bytes are of no accepted media type.
func (s *Server) unknownMedia() *refusal {
	r := refuse(codeUnsupportedMedia, "The first bytes are not those of an accepted media type. The file name and the declared type are not considered.")
	r.accepted = s.media.Accepted
	return r
}

// open reads as much of the request as is needed to identify the recording.
// Nothing is stored before that.
func (s *Server) open(c *fiber.Ctx, tenant orak.Tenant) (*incoming, error) {
	x := exchangeOf(c)
	key, err := onlyHeader(c, resource.HeaderIdempotencyKey)
	if err != nil {
		return nil, err
	}
	id, repeatable, err := newID(tenant, key)
	if err != nil {
		return nil, err
	}
	x.upload = id
	rec, err := s.openRecording(c)
	if err != nil {
		return nil, err
	}
	head := make([]byte, s.media.Len)
	n, err := io.ReadFull(rec, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, s.broken(err)
	}
	if n == 0 {
		return nil, refuse(codeEmptyBody, "Send the recording as the body, or as the file of a form.")
	}
	mediaType, ok := s.media.Sniff(head[:n])
	if !ok {
		return nil, s.unknownMedia()
	}
	return &incoming{
		recording: rec, x: x, id: id, tenant: tenant, repeatable: repeatable, mediaType: mediaType,
		body: io.MultiReader(bytes.NewReader(head[:n]), rec),
	}, nil
}

// keep writes the marker while the body arrives and is sent to the store, which gets
// its last byte after the marker, and announces the upload.
func (s *Server) keep(ctx context.Context, in *incoming, m outbox.Marker) (orak.Upload, string, error) {
	marker := s.mark(ctx, m)
	err := s.put(ctx, in, m, marker)
	if unmarked := marker.wait(); unmarked != nil {
		return orak.Upload{}, "", unmarked // and the store did not get the end of the body
	}
	if err != nil && in.repeatable && in.sound() {
		// Another request with this key may have been faster. A server that
		// answers so before it has the whole body may close the connection, so
		// every failure of the store is checked.
		if info, statErr := s.store.Stat(ctx, m.Key); statErr == nil {
			return s.repeat(ctx, in, info)
		}
	}
	if err != nil {
		gone := s.undo(ctx, in, m)
		return orak.Upload{}, "", in.uncertain(gone, s.broken(err))
	}
	if err := s.removeIfErased(ctx, in, m); err != nil {
		return orak.Upload{}, "", err
	}
	m.Size, m.SHA256 = in.read, in.sha256()
	s.metrics.bytes.Add(float64(m.Size))
	s.limits.sent(m.Tenant, m.Size)
	if err := s.announcer.announce(ctx, m); err != nil {
		return orak.Upload{}, "", err
	}
	return m.Upload, outcomeAccepted, nil
}

// put stores the recording after its marker.
func (s *Server) put(ctx context.Context, in *incoming, m outbox.Marker, marker *marking) error {
	_, received := s.step(ctx, "receive body")
	stored := func(error) {}
	body := &markedBody{src: in.body, marker: marker, received: func(err error) {
		if received(err); err == io.EOF {
			_, stored = s.step(ctx, "put object")
		}
	}}
	_, err := s.store.Put(ctx, m.Key, body, objectstore.PutOptions{
		Size: in.size, ContentType: in.mediaType, IfAbsent: in.repeatable,
		Metadata: orak.RecordingMetadata(m.Upload, in.claimed), SHA256: in.sha256, Ready: marker.wait,
	})
	stored(err)
	return err
}

// undoTimeout bounds the clean-up after a failed upload.
const undoTimeout = 5 * time.Second

// undo removes what a failed upload left. A repeatable upload leaves its marker:
// another request with the same key may rely on it. What cannot be removed does no
// harm: the relay drops a marker without a recording, and announces a recording
// that was not acknowledged. gone means that no recording is left, and none will be
// processed.
func (s *Server) undo(ctx context.Context, in *incoming, m outbox.Marker) (gone bool) {
	if in.repeatable {
		return !in.sound()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	var err error
	if in.sound() {
		// The store failed, and may have the object nevertheless.
		err = s.store.Delete(ctx, m.Key)
	}
	if err == nil {
		err = s.announcer.box.Remove(ctx, m)
	}
	if err != nil {
		in.x.log.WarnContext(ctx, "a failed upload could not be cleaned up", "upload_id", m.ID, "error", err)
	}
	return err == nil || !in.sound()
}

// uncertain adds to err that the recording may have been stored. That is so if the
// store failed and the recording could not be removed; it is processed then, which
// the answer must not deny.
func (in *incoming) uncertain(gone bool, err error) error {
	r := asRefusal(err)
	if gone || r.code != codeUnavailable {
		return err
	}
	detail := r.detail + " The recording may nevertheless have been stored, and is then processed"
	if in.repeatable {
		return refuse(r.code, detail+": a repeat with the same "+resource.HeaderIdempotencyKey+" is accepted once.").because(err)
	}
	return refuse(r.code, detail+"; with an "+resource.HeaderIdempotencyKey+", repeats are accepted once.").because(err)
}

// broken turns an error of receiving into a refusal.
func (s *Server) broken(err error) error {
	switch {
	case errors.Is(err, errTooLarge):
		return refuse(codeTooLarge, "The recording has more bytes than it may have.")
	case errors.Is(err, errDigest):
		return refuse(codeDigestMismatch, "The body does not match "+resource.HeaderContentDigest+". Nothing was stored.")
	case errors.Is(err, errStalled):
		return refuse(codeTimeout, "No byte was received for "+s.cfg.BodyTimeout.String()+". Nothing was stored.")
	case errors.Is(err, errSlow):
		return refuse(codeTimeout, "The recording arrived at less than "+strconv.Itoa(s.cfg.MinUploadRate)+" bytes per second while others waited for its place. Nothing was stored; send it again later, or over a faster connection.")
	case errors.Is(err, errCutOff), errors.Is(err, errOver):
		return refuse(codeIncompleteBody, "The connection ended before the recording did. Nothing was stored.").because(err)
	default:
		return err
	}
}

func formatBytes(n int64) string { return strconv.FormatInt(n, 10) + " bytes" }

// traceOf returns the trace context of a request, for its event.
func traceOf(ctx context.Context) (parent, state string) {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier["traceparent"], carrier["tracestate"]
}
