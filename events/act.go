package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
)

// EveryTenant is the tenant of acts that concern all tenants, such as a setting that
// applies everywhere.
const EveryTenant orak.Tenant = "*"

// The acts that follow from events. Others are named where they are done.
const (
	ActCancel    = "upload.cancel"
	ActErase     = "upload.erase"
	ActReprocess = "dead-letter.reprocess"
	ActDiscard   = "dead-letter.discard"
)

// Bounds of an Act's texts, in bytes.
const (
	MaxActID      = 300
	MaxActSubject = 300
)

// actName is the form of an act: a kind, and what was done to it.
var actName = regexp.MustCompile(`^[a-z][a-z-]{0,39}\.[a-z][a-z-]{0,39}$`)

// Act is a record of TopicAudit: what somebody did. Readers must ignore fields that they
// do not know.
type Act struct {
	// ID is unique. A repeated record has the same one.
	ID string `json:"id"`
	// At is when it was done, or asked for.
	At time.Time `json:"at"`
	// Act is KIND.VERB, such as "key.revoke".
	Act string `json:"act"`
	// By is who did it, 1 to MaxBy bytes; see By.
	By string `json:"by"`
	// Tenant is whose thing it was done to, or EveryTenant.
	Tenant orak.Tenant `json:"tenant"`
	// Subject names what it was done to, such as the id of an upload; it may be empty.
	Subject string `json:"subject,omitempty"`
	// Detail is what else is known: the reason that was given, the value of a setting, the
	// name of a key. At most MaxReason bytes; it may be empty.
	Detail string `json:"detail,omitempty"`
}

// Check returns an error that says what is wrong with a.
func (a Act) Check() error {
	switch {
	case a.ID == "" || len(a.ID) > MaxActID || !utf8.ValidString(a.ID):
		return fmt.Errorf("id: want 1 to %d bytes of UTF-8", MaxActID)
	case a.At.IsZero() || a.At.Year() < 1970 || a.At.Year() > 9999:
		return errors.New("at: want a time from 1970 on")
	case !actName.MatchString(a.Act):
		return errors.New("act: want KIND.VERB")
	case a.By == "" || len(a.By) > MaxBy || !utf8.ValidString(a.By):
		return fmt.Errorf("by: want 1 to %d bytes of UTF-8", MaxBy)
	case len(a.Subject) > MaxActSubject || !utf8.ValidString(a.Subject):
		return fmt.Errorf("subject: want at most %d bytes of UTF-8", MaxActSubject)
	case len(a.Detail) > MaxReason || !utf8.ValidString(a.Detail):
		return fmt.Errorf("detail: want at most %d bytes of UTF-8", MaxReason)
	case strings.Contains(a.ID+a.By+a.Subject+a.Detail, "\x00"):
		return errors.New("want no NUL")
	}
	if _, err := orak.ParseTenant(string(a.Tenant)); err != nil && a.Tenant != EveryTenant {
		return fmt.Errorf("tenant: %w", err)
	}
	return nil
}

// Record returns the record of a on partition 0 of TopicAudit, the only one. Texts that
// are too long are cut: an act must not fail, or be without a record, for the length of
// its reason. It returns an error for what else is wrong with a.
func (a Act) Record() (*kgo.Record, error) {
	a = a.bounded()
	if err := a.Check(); err != nil {
		return nil, fmt.Errorf("recording an act: %w", err)
	}
	value, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("recording an act: %w", err)
	}
	return &kgo.Record{Topic: TopicAudit, Key: []byte(a.ID), Value: value}, nil
}

// bounded returns a with texts that are neither too long nor have what a database refuses.
func (a Act) bounded() Act {
	a.At = a.At.UTC()
	for _, f := range []struct {
		text  *string
		limit int
	}{{&a.By, MaxBy}, {&a.Subject, MaxActSubject}, {&a.Detail, MaxReason}} {
		*f.text = cut(strings.ReplaceAll(strings.ToValidUTF8(*f.text, ""), "\x00", ""), f.limit)
	}
	return a
}

// maxAct bounds the value of a record of TopicAudit that is read, in bytes.
const maxAct = 16 << 10

// ActFrom reads a record of TopicAudit. An error is an *orak.Fault of class input.
func ActFrom(r *kgo.Record) (a Act, err error) {
	if len(r.Value) > maxAct {
		return Act{}, malformed(fmt.Errorf("act: %d bytes, at most %d are allowed", len(r.Value), maxAct))
	}
	if err := json.Unmarshal(r.Value, &a); err != nil {
		return Act{}, malformed(fmt.Errorf("act: %w", err))
	}
	if err := a.Check(); err != nil {
		return Act{}, malformed(fmt.Errorf("act: %w", err))
	}
	a.At = a.At.UTC()
	return a, nil
}

// ActOf returns the act of a person that an event on topic tells of: a request to cancel
// or to erase, or a decision on a dead letter. ok is false for other events, and for those
// that cannot be read. The same event always gives the same Act.
func ActOf(topic string, e Event) (a Act, ok bool) {
	switch {
	case topic == TopicUploads && e.Type == Canceled:
		a, ok = requested(e, ActCancel, Event.Cancellation)
	case topic == TopicUploads && e.Type == Erased:
		a, ok = requested(e, ActErase, func(e Event) (Cancellation, error) {
			r, err := e.Erasure()
			return Cancellation(r), err
		})
	case topic == TopicLifecycle && e.Type == Reprocessed:
		a, ok = decided(e, ActReprocess)
	case topic == TopicLifecycle && e.Type == Discarded:
		a, ok = decided(e, ActDiscard)
	}
	a = a.bounded()
	return a, ok && a.Check() == nil
}

// actSpace is the namespace of ids that follow from events.
var actSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:orak:act"))

// requested returns the act of a request. Every request for an upload is an event with the
// same id, and an act of its own.
func requested(e Event, act string, read func(Event) (Cancellation, error)) (Act, bool) {
	c, err := read(e)
	id := uuid.NewSHA1(actSpace, fmt.Appendf(nil, "%s\n%s\n%s", e.ID, formatTime(e.Time), c.By))
	return Act{ID: id.String(), At: e.Time, Act: act, By: c.By, Tenant: c.Tenant, Subject: string(c.ID), Detail: c.Reason}, err == nil
}

// decided returns the act of a decision, of which each is an event with an id of its own.
func decided(e Event, act string) (Act, bool) {
	l, err := e.Lifecycle()
	id := uuid.NewSHA1(actSpace, []byte(e.ID))
	return Act{ID: id.String(), At: e.Time, Act: act, By: l.By, Tenant: l.Upload.Tenant, Subject: string(l.Upload.ID), Detail: l.Reason}, err == nil
}
