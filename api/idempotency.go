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

// repeat answers an upload whose recording is there already: the same bytes are
// the same upload, others are refused. No more is read than it takes to tell
// which: nothing of the body where its length or its Content-Digest decide, and
// nothing of the recording where its digest is known.
func (s *Server) repeat(ctx context.Context, in *incoming, stored objectstore.Info) (orak.Upload, string, error) {
	m, err := s.announcer.box.Read(ctx, in.tenant, in.id)
	pending := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return orak.Upload{}, "", err
	}
	if !pending {
		m = outbox.Marker{Upload: orak.Upload{ID: in.id, Tenant: in.tenant, Filename: in.filename}}
	}
	sum := s.knownDigest(ctx, m.Upload, stored)
	if sum, err = s.compare(ctx, in, stored, sum); err != nil {
		return orak.Upload{}, "", err
	}
	m.Upload = m.Stored(stored, sum)
	if !pending {
		return m.Upload, outcomeRepeated, nil
	}
	// With a marker the event may not be out yet, whoever wrote it.
	if err := s.announcer.announce(ctx, m); err != nil {
		return orak.Upload{}, "", err
	}
	return m.Upload, outcomeRepeated, nil
}

// knownDigest is the recording's, from wherever it stands without reading the
// recording: beside it, in its marker, or with its workflow; else empty.
func (s *Server) knownDigest(ctx context.Context, marked orak.Upload, stored objectstore.Info) string {
	if sum := orak.RecordedSHA256(stored.Metadata); sum != "" {
		return sum
	}
	if marked.Validate() == nil && marked.Size == stored.Size {
		return marked.SHA256
	}
	st, err := s.lookup(ctx, marked.Tenant, marked.ID)
	if err != nil || st.Upload.Validate() != nil || st.Upload.Size != stored.Size {
		return "" // it is read then
	}
	return st.Upload.SHA256
}

// compare returns the digest of the recording that is stored, which is empty in
// known where it has to be read, and refuses a body that is another one.
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
