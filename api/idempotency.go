package api

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"orak"
	"orak/api/resource"
	"orak/internal/objectstore"
	"orak/internal/outbox"
)

// repeat answers an upload whose recording is already stored: the same bytes are the
// same upload, others are refused. It reads no more than it must: nothing of the
// body if its length or Content-Digest decides, and nothing of the recording if its
// digest is known.
func (s *Server) repeat(ctx context.Context, in *incoming, stored objectstore.Info) (orak.Upload, string, error) {
	m, err := s.announcer.box.Read(ctx, in.tenant, in.id)
	pending := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return orak.Upload{}, "", err
	}
	if !pending {
		m = outbox.Marker{Upload: in.describe(orak.Upload{ID: in.id, Tenant: in.tenant, Filename: in.filename})}
	}
	sum := s.knownDigest(ctx, m.Upload, stored)
	if sum, err = s.compare(ctx, in, stored, sum); err != nil {
		return orak.Upload{}, "", err
	}
	m.Upload = m.Stored(stored, sum)
	if !in.x.caller.MayKnow(orak.Upload{}.Describe(stored.Metadata).Owner) {
		return orak.Upload{}, "", refuse(codeIdempotencyConflict, "Use a new "+resource.HeaderIdempotencyKey+" for a new recording.")
	}
	if !pending {
		return m.Upload, outcomeRepeated, nil
	}
	// While there is a marker, the event may not have been sent.
	if err := s.announcer.announce(ctx, m); err != nil {
		return orak.Upload{}, "", err
	}
	return m.Upload, outcomeRepeated, nil
}

// knownDigest returns the digest of the recording from its metadata, its marker or
// its workflow, without reading the recording; "" if none of them has it.
func (s *Server) knownDigest(ctx context.Context, marked orak.Upload, stored objectstore.Info) string {
	if sum := orak.RecordedSHA256(stored.Metadata); sum != "" {
		return sum
	}
	if marked.Validate() == nil && marked.Size == stored.Size {
		return marked.SHA256
	}
	st, err := s.lookup(ctx, marked.Tenant, marked.ID)
	if err != nil || st.Upload.Validate() != nil || st.Upload.Size != stored.Size {
		return "" // the recording is read then
	}
	return st.Upload.SHA256
}

// compare returns the digest of the stored recording, and refuses a body with other
// bytes. known is the digest if it is known without reading the recording, or "".
func (s *Server) compare(ctx context.Context, in *incoming, stored objectstore.Info, known string) (string, error) {
	conflict := refuse(codeIdempotencyConflict, "Use a new "+resource.HeaderIdempotencyKey+" for a new recording.")
	switch {
	case in.size >= 0 && in.size != stored.Size:
		return "", conflict
	case known != "" && in.claimed == known:
		return known, nil
	case known != "" && in.claimed != "":
		return "", conflict
	}
	if _, err := io.Copy(io.Discard, in.recording); err != nil {
		return "", s.broken(err)
	}
	if in.read != stored.Size {
		return "", conflict
	}
	if known == "" {
		var err error
		if known, err = objectstore.Hash(ctx, s.store, stored.Key); err != nil {
			return "", err
		}
	}
	if known != in.sha256() {
		return "", conflict
	}
	return known, nil
}
