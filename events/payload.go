package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"orak"
)

// LifecycleTypes returns the types of events on TopicLifecycle.
func LifecycleTypes() []Type {
	return []Type{Converted, Analyzed, Completed, DeadLettered, Reprocessed, Discarded, Canceled, Expired, Erased}
}

// Known reports whether t is a type that this version understands.
func (t Type) Known() bool { return t == UploadReceived || t.lifecycle() }

func (t Type) lifecycle() bool { return slices.Contains(LifecycleTypes(), t) }

// NewReceived returns the event that announces u. The same upload always gives
// the same event, byte for byte. It returns an error if u is invalid.
func NewReceived(u orak.Upload) (Event, error) {
	u.ReceivedAt = u.ReceivedAt.UTC()
	if err := u.Validate(); err != nil {
		return Event{}, fmt.Errorf("announcing upload: %w", err)
	}
	return newEvent(ReceivedID(u.ID), UploadReceived, u.ReceivedAt, u.ID, Received{Upload: u})
}

// maxContentType bounds an announced media type, in bytes. A longer one is
// replaced by unknownContentType.
const (
	maxContentType     = 255
	unknownContentType = "application/octet-stream"
)

// Received decodes and validates the data of an UploadReceived event; it cleans
// a file name that breaks the promises of orak.Upload.Filename. An error is an
// *orak.Fault of class input.
func (e Event) Received() (Received, error) {
	if e.Type != UploadReceived {
		return Received{}, malformed(fmt.Errorf("type: want %s", UploadReceived))
	}
	var r Received
	if err := json.Unmarshal(e.Data, &r); err != nil {
		return Received{}, malformed(fmt.Errorf("data: %w", err))
	}
	if err := checkUpload(r.Upload, e.Subject); err != nil {
		return Received{}, malformed(fmt.Errorf("data: %w", err))
	}
	// Every later event of the upload repeats both.
	r.Filename = orak.CleanFilename(r.Filename)
	if len(r.ContentType) > maxContentType {
		r.ContentType = unknownContentType
	}
	return r, nil
}

// NewLifecycle returns an event about an upload. id comes from LifecycleID or
// EndID, so that it is the same for every attempt of an emission; t is one of
// LifecycleTypes; at is when it happened. If l is larger than MaxData, the event
// is bare; see Bare.
func NewLifecycle(id string, t Type, at time.Time, l Lifecycle) (Event, error) {
	if id == "" || !t.lifecycle() || at.IsZero() {
		return Event{}, errors.New("making lifecycle event: want an id, a lifecycle type and a time")
	}
	if err := checkLifecycle(t, l, l.Upload.ID); err != nil {
		return Event{}, fmt.Errorf("making lifecycle event: %w", err)
	}
	e, err := newEvent(id, t, at.UTC(), l.Upload.ID, l)
	if errors.Is(err, errTooLarge) {
		return newEvent(id, t, at.UTC(), l.Upload.ID, l.bare())
	}
	return e, err
}

// Bare returns a lifecycle event without its large fields: the analysis, which is
// at AnalysisKey, and the file name. It has the same id. ok is false for any other
// event.
func (e Event) Bare() (bare Event, ok bool) {
	l, err := e.Lifecycle()
	if err != nil {
		return Event{}, false
	}
	bare = e
	bare.Data, err = json.Marshal(l.bare())
	return bare, err == nil
}

func (l Lifecycle) bare() Lifecycle {
	l.Analysis, l.Upload.Filename = nil, ""
	return l
}

var errTooLarge = fmt.Errorf("more than %d bytes", MaxData)

// Lifecycle decodes and validates the data of an event on TopicLifecycle. An
// error is an *orak.Fault of class input.
func (e Event) Lifecycle() (Lifecycle, error) {
	if !e.Type.lifecycle() {
		return Lifecycle{}, malformed(errors.New("type: want a lifecycle type"))
	}
	var l Lifecycle
	if err := json.Unmarshal(e.Data, &l); err != nil {
		return Lifecycle{}, malformed(fmt.Errorf("data: %w", err))
	}
	if err := checkLifecycle(e.Type, l, e.Subject); err != nil {
		return Lifecycle{}, malformed(fmt.Errorf("data: %w", err))
	}
	return l, nil
}

func newEvent(id string, t Type, at time.Time, subject orak.UploadID, payload any) (Event, error) {
	data, err := json.Marshal(payload)
	if err != nil {
		return Event{}, fmt.Errorf("encoding %s: %w", t, err)
	}
	if len(data) > MaxData {
		return Event{}, fmt.Errorf("encoding %s: %w", t, errTooLarge)
	}
	return Event{ID: id, Type: t, Source: Source, Subject: subject, Time: at, Data: data}, nil
}

func checkLifecycle(t Type, l Lifecycle, subject orak.UploadID) error {
	check := checkUpload
	if t == Erased || l.Failure != nil && l.Failure.Stage == orak.StageReceive {
		check = checkBare
	}
	if err := check(l.Upload, subject); err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	switch {
	case l.Status == "":
		return errors.New("status: missing")
	case (t == Erased) != (l.Status == orak.StatusErased):
		return fmt.Errorf("status: %q does not go with %s", l.Status, t)
	}
	return nil
}

// checkUpload checks u and that its id is the subject of the envelope: an event
// is routed and deduplicated by the subject, and must not process the recording of
// another upload.
func checkUpload(u orak.Upload, subject orak.UploadID) error {
	if err := u.Validate(); err != nil {
		return err
	}
	if u.ID != subject {
		return fmt.Errorf("upload_id: want the subject %s", subject)
	}
	return nil
}
