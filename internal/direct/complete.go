package direct

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"time"

	"orak"
	"orak/internal/objectstore"
	"orak/internal/outbox"
)

// maxTurns bounds how often a completion looks again because another request has
// changed the description.
const maxTurns = 5

// Complete verifies what was sent, and makes it an upload. It may be repeated, also by
// many at once: repeated is true if the recording was an upload before. It returns
// once the event is with Kafka or its marker is left to the outbox. Errors:
// *Incomplete, *Refusal, ErrErased, ErrUnknown.
func (u *Uploads) Complete(ctx context.Context, t orak.Tenant, id orak.UploadID) (done orak.Upload, repeated bool, err error) {
	for range maxTurns {
		d, err := u.Get(ctx, t, id)
		switch {
		case errors.Is(err, ErrUnknown):
			done, err = u.accepted(ctx, t, id)
			return done, true, err
		case err != nil:
			return orak.Upload{}, false, err
		}
		done, repeated, err = u.complete(ctx, d)
		if !errors.Is(err, objectstore.ErrChanged) {
			return done, repeated, err
		}
	}
	return orak.Upload{}, false, &orak.Fault{Class: orak.ClassOverload, Message: "Others are changing this upload."}
}

// accepted returns an upload whose description is removed, as far as its object says.
func (u *Uploads) accepted(ctx context.Context, t orak.Tenant, id orak.UploadID) (orak.Upload, error) {
	b := Upload{Upload: orak.Upload{ID: id, Tenant: t}}
	if err := u.notErased(ctx, b); err != nil {
		return orak.Upload{}, err
	}
	info, err := u.store.Stat(ctx, orak.OriginalKey(t, id))
	if errors.Is(err, fs.ErrNotExist) {
		return orak.Upload{}, ErrUnknown
	}
	if err != nil {
		return orak.Upload{}, err
	}
	return outbox.Marker{Upload: b.Upload}.Stored(info, orak.RecordedSHA256(info.Metadata)), nil
}

func (u *Uploads) complete(ctx context.Context, d Upload) (done orak.Upload, repeated bool, err error) {
	if d.State == Refused {
		return orak.Upload{}, false, d.Refusal
	}
	if err := u.notErased(ctx, d); err != nil {
		if errors.Is(err, ErrErased) {
			err = errors.Join(err, u.discard(ctx, d))
		}
		return orak.Upload{}, false, err
	}
	if info, err := u.store.Stat(ctx, d.Key); err == nil {
		done, err = u.believe(ctx, d, info)
		return done, true, err
	} else if !errors.Is(err, fs.ErrNotExist) {
		return orak.Upload{}, false, err
	}
	if d.State == Waiting {
		if d, err = u.verified(ctx, d); err != nil {
			return orak.Upload{}, false, err
		}
		// In the meantime another request of the same key may have stored its recording,
		// which the copy would replace.
		return u.complete(ctx, d)
	}
	return u.accept(ctx, d)
}

// verified returns d as Accepting, or a *Refusal, which it keeps.
func (u *Uploads) verified(ctx context.Context, d Upload) (Upload, error) {
	if err := u.places.Acquire(ctx, 1); err != nil {
		return Upload{}, &orak.Fault{Class: orak.ClassOverload, Message: "Other recordings are being verified.", Err: err}
	}
	defer u.places.Release(1)
	u.metrics.verifying.Inc()
	defer u.metrics.verifying.Dec()
	if err := u.join(ctx, d); err != nil {
		return Upload{}, err
	}
	checked, err := u.verify(ctx, d)
	var refused *Refusal
	if errors.As(err, &refused) {
		return Upload{}, u.refuse(ctx, d, refused)
	}
	if err != nil {
		return Upload{}, err
	}
	checked.State = Accepting
	return checked, u.change(ctx, &checked)
}

// refuse keeps the refusal, removes the recording, and returns the refusal.
func (u *Uploads) refuse(ctx context.Context, d Upload, why *Refusal) error {
	d.State, d.Refusal = Refused, why
	if err := u.change(ctx, &d); err != nil {
		return err
	}
	u.metrics.ended.WithLabelValues(outcomeRefused).Inc()
	if err := u.removeBytes(ctx, d); err != nil {
		u.log.WarnContext(ctx, "a refused recording could not be removed; the sweep removes it", "upload_id", d.ID, "error", err)
	}
	return why
}

// join makes one object of the parts, if they are all there and it is not made yet.
func (u *Uploads) join(ctx context.Context, d Upload) error {
	if d.PartSize == 0 {
		return nil
	}
	parts, err := u.store.ListParts(ctx, d.multipart())
	if errors.Is(err, objectstore.ErrNoMultipart) {
		return nil // they are joined, or gone
	}
	if err != nil {
		return err
	}
	if have := present(d, parts); have < d.Parts() {
		return &Incomplete{Have: have, Want: d.Parts()}
	}
	_, err = u.store.CompleteMultipart(ctx, d.multipart(), parts, true)
	switch {
	case errors.Is(err, fs.ErrExist), errors.Is(err, objectstore.ErrNoMultipart):
		return nil // another request was faster
	case errors.Is(err, objectstore.ErrParts):
		return objectstore.ErrChanged // a part was sent again since it was listed
	default:
		return err
	}
}

// present counts the parts of the right size.
func present(d Upload, parts []objectstore.Part) int {
	have := 0
	for _, p := range parts {
		if p.Number >= 1 && p.Number <= d.Parts() && p.Size == d.PartLength(p.Number) {
			have++
		}
	}
	return have
}

// verify compares the recording with what was declared. It reads all of it only if
// the store has not compared the digest. It holds none of it but its head.
func (u *Uploads) verify(ctx context.Context, d Upload) (Upload, error) {
	key := orak.IncomingKey(d.Tenant, d.ID)
	info, err := u.store.Stat(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return Upload{}, u.missing(ctx, d)
	}
	if err != nil {
		return Upload{}, err
	}
	if info.Size != d.Size {
		return Upload{}, &Refusal{Why: WrongSize}
	}
	head, sum, err := u.read(ctx, key, info, d.Declared)
	if err != nil {
		return Upload{}, err
	}
	if d.Declared != "" && sum != d.Declared {
		return Upload{}, &Refusal{Why: WrongDigest}
	}
	media, ok := u.deps.Sniff(head)
	if !ok {
		return Upload{}, &Refusal{Why: WrongMedia}
	}
	d.SHA256, d.ContentType, d.Verified, d.ReceivedAt = sum, media, info.ETag, info.ModifiedAt
	return d, nil
}

// missing tells a recording that was not sent, by *Incomplete, from one that another
// request has accepted, refused or removed since d was read, by ErrChanged. Whoever
// removes bytes changes the description or stores the recording before.
func (u *Uploads) missing(ctx context.Context, d Upload) error {
	now, err := u.load(ctx, d.Tenant, d.ID)
	if errors.Is(err, ErrUnknown) || err == nil && now.etag != d.etag {
		return objectstore.ErrChanged
	}
	if err != nil {
		return err
	}
	_, err = u.store.Stat(ctx, d.Key)
	switch {
	case err == nil:
		return objectstore.ErrChanged
	case errors.Is(err, fs.ErrNotExist):
		return &Incomplete{Want: d.Parts()}
	default:
		return err
	}
}

// read returns the first bytes and the digest of the recording that info describes.
func (u *Uploads) read(ctx context.Context, key string, info objectstore.Info, declared string) (head []byte, sum string, err error) {
	var body io.ReadCloser
	length := min(int64(u.deps.SniffLen), info.Size)
	known := declared != "" && info.SHA256 == declared
	if known {
		body, err = u.store.GetRange(ctx, key, 0, length)
	} else {
		var opened objectstore.Info
		body, opened, err = u.store.Get(ctx, key)
		if err == nil && opened.ETag != info.ETag {
			return nil, "", errors.Join(objectstore.ErrChanged, body.Close())
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", objectstore.ErrChanged
	}
	if err != nil {
		return nil, "", err
	}
	defer body.Close()
	head = make([]byte, length)
	if _, err := io.ReadFull(body, head); err != nil {
		return nil, "", err
	}
	if known {
		return head, declared, nil
	}
	sum, err = objectstore.HashBody(io.MultiReader(bytes.NewReader(head), body))
	return head, sum, err
}

// accept makes an upload of a verified recording: its marker, the recording, its
// event. Only then is the direct upload removed.
func (u *Uploads) accept(ctx context.Context, d Upload) (done orak.Upload, repeated bool, err error) {
	m := outbox.Marker{Upload: d.Upload, Traceparent: d.Traceparent, Tracestate: d.Tracestate}
	if err := u.deps.Outbox.Write(ctx, m); err != nil {
		return orak.Upload{}, false, err
	}
	err = u.store.Copy(ctx, orak.IncomingKey(d.Tenant, d.ID), d.Key, objectstore.CopyOptions{
		Size: d.Size, ETag: d.Verified, ContentType: d.ContentType, Metadata: orak.RecordingMetadata(d.Upload, d.SHA256),
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return u.overtaken(ctx, d)
	case errors.Is(err, fs.ErrExist):
		return orak.Upload{}, false, u.restart(ctx, d)
	case err != nil:
		return orak.Upload{}, false, err
	}
	// An erasure that begins after this check removes the recording itself.
	if err := u.notErased(ctx, d); err != nil {
		if errors.Is(err, ErrErased) {
			err = errors.Join(err, u.store.Delete(ctx, d.Key), u.deps.Outbox.Remove(ctx, m), u.discard(ctx, d))
		}
		return orak.Upload{}, false, err
	}
	if err := u.deps.Announce(ctx, m); err != nil {
		return orak.Upload{}, false, err
	}
	u.metrics.ended.WithLabelValues(outcomeAccepted).Inc()
	u.tidy(ctx, d)
	return d.Upload, false, nil
}

// overtaken handles a recording that is gone before it was copied: another request
// has finished, or the upload was erased.
func (u *Uploads) overtaken(ctx context.Context, d Upload) (orak.Upload, bool, error) {
	info, err := u.store.Stat(ctx, d.Key)
	if err == nil {
		done, err := u.believe(ctx, d, info)
		return done, true, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return orak.Upload{}, false, err
	}
	if err := u.notErased(ctx, d); err != nil {
		return orak.Upload{}, false, err
	}
	u.log.ErrorContext(ctx, "a verified recording is gone from the store before it was accepted", "upload_id", d.ID, "tenant", d.Tenant)
	return orak.Upload{}, false, errors.Join(ErrUnknown, u.discard(ctx, d))
}

// restart has a recording verified again that has changed since: that happens only on
// stores without conditional writes.
func (u *Uploads) restart(ctx context.Context, d Upload) error {
	d.State, d.Verified, d.SHA256, d.ReceivedAt = Waiting, "", "", time.Time{}
	if err := u.change(ctx, &d); err != nil {
		return err
	}
	return objectstore.ErrChanged
}

// believe ends a direct upload whose recording is stored: by an earlier completion
// that did not end, or by another request with the same Idempotency-Key, which may
// have sent other bytes.
func (u *Uploads) believe(ctx context.Context, d Upload, stored objectstore.Info) (orak.Upload, error) {
	m, err := u.deps.Outbox.Read(ctx, d.Tenant, d.ID)
	pending := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return orak.Upload{}, err
	}
	if !pending {
		m = outbox.Marker{Upload: d.Upload}
	}
	sum, err := u.digest(ctx, stored)
	if err != nil {
		return orak.Upload{}, err
	}
	same, err := u.sent(ctx, d, stored, sum)
	if err != nil {
		return orak.Upload{}, err
	}
	if !same {
		return orak.Upload{}, u.refuse(ctx, d, &Refusal{Why: OtherRecording})
	}
	m.Upload = m.Stored(stored, sum)
	if pending { // its event may not have been sent
		if err := u.deps.Announce(ctx, m); err != nil {
			return orak.Upload{}, err
		}
	}
	u.tidy(ctx, d)
	return m.Upload, nil
}

// digest returns the SHA-256 of a stored recording, which it reads only if nothing
// else has it.
func (u *Uploads) digest(ctx context.Context, stored objectstore.Info) (string, error) {
	if sum := orak.RecordedSHA256(stored.Metadata); sum != "" {
		return sum, nil
	}
	return objectstore.Hash(ctx, u.store, stored.Key)
}

// sent reports whether d sent the recording that is stored, as far as d is known.
func (u *Uploads) sent(ctx context.Context, d Upload, stored objectstore.Info, sum string) (bool, error) {
	if d.Size != stored.Size {
		return false, nil
	}
	if known := cmp.Or(d.SHA256, d.Declared); known != "" {
		return known == sum, nil
	}
	own, err := objectstore.Hash(ctx, u.store, orak.IncomingKey(d.Tenant, d.ID))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return own == sum, err
}

// tidy removes a direct upload that is accepted. What cannot be removed is left to the
// sweep, which finds the recording accepted.
func (u *Uploads) tidy(ctx context.Context, d Upload) {
	if err := u.discard(ctx, d); err != nil {
		u.log.WarnContext(ctx, "a completed direct upload could not be removed; the sweep removes it", "upload_id", d.ID, "error", err)
	}
}
