package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"orak"
	"orak/events"
)

// Bounds of a document, in bytes.
const (
	MaxDocument = 64 << 10
	MaxKey      = 200
	maxSchema   = 64
)

// The schemas of documents that this version reads; others are kept as they are.
const (
	SchemaSetting = "setting/1"
	SchemaTenant  = "tenant/1"
)

// The prefixes of keys; see also prefixKey. Those of webhooks have no schema yet.
const (
	prefixTenant  = "tenant/"
	prefixSetting = "setting/"
)

// SettingKey returns the key of a setting's document.
func SettingKey(name string) string { return prefixSetting + name }

// TenantKey returns the key of a tenant's document.
func TenantKey(t orak.Tenant) string { return prefixTenant + string(t) }

// Stamp is what every document carries.
type Stamp struct {
	// Schema names the shape of the document, such as SchemaSetting.
	Schema string `json:"schema"`
	// Version grows with each change of the key, by 1 or more; it is at least 1.
	Version int64 `json:"version"`
	// By is who made the change, at most events.MaxBy bytes.
	By string `json:"by"`
	// At is the time of the change.
	At time.Time `json:"at"`
}

func (s Stamp) check() error {
	switch {
	case s.Schema == "" || len(s.Schema) > maxSchema:
		return fmt.Errorf("schema: want 1 to %d bytes", maxSchema)
	case s.Version < 1:
		return errors.New("version: want at least 1")
	case s.By == "" || len(s.By) > events.MaxBy || !utf8.ValidString(s.By):
		return fmt.Errorf("by: want 1 to %d bytes of UTF-8", events.MaxBy)
	case s.At.IsZero():
		return errors.New("at: missing")
	}
	return nil
}

// settingDocument is the document of a setting that applies everywhere.
type settingDocument struct {
	Stamp
	Value string `json:"value"`
}

// tenantDocument is the document of a tenant. Other fields than these belong to
// later versions and are preserved.
type tenantDocument struct {
	Stamp
	Settings map[string]tenantSetting `json:"settings"`
}

// tenantSetting is a setting of one tenant. It has its own author and time, since a
// tenant's document holds several.
type tenantSetting struct {
	Value string    `json:"value"`
	By    string    `json:"by"`
	At    time.Time `json:"at"`
}

// Document is one document as it is in effect.
type Document struct {
	Stamp
	// Value is the whole document as JSON; nil once it is removed.
	Value json.RawMessage
	// Settings are the values of a setting's document, under its own name, or of a
	// tenant's document.
	settings map[string]tenantSetting
	// webhook is that of a webhook's document; nil for others.
	webhook *Webhook
	// key is that of a key's document; nil for others.
	key *Key
}

// decode reads the document of key from value. An error says what is malformed.
func decode(key string, value []byte) (Document, error) {
	if len(value) > MaxDocument {
		return Document{}, fmt.Errorf("%d bytes, at most %d are allowed", len(value), MaxDocument)
	}
	d := Document{Value: value}
	if err := json.Unmarshal(value, &d.Stamp); err != nil {
		return Document{}, fmt.Errorf("not a document: %w", err)
	}
	if err := d.Stamp.check(); err != nil {
		return d, err
	}
	var err error
	switch {
	case strings.HasPrefix(key, prefixSetting):
		d.settings, err = settingOf(strings.TrimPrefix(key, prefixSetting), value)
	case strings.HasPrefix(key, prefixTenant):
		d.settings, err = settingsOf(orak.Tenant(strings.TrimPrefix(key, prefixTenant)), value)
	case strings.HasPrefix(key, prefixWebhook):
		d.webhook, err = webhookOf(strings.TrimPrefix(key, prefixWebhook), value)
	case strings.HasPrefix(key, prefixKey):
		d.key, err = keyOf(strings.TrimPrefix(key, prefixKey), value)
	}
	return d, err
}

// settingOf reads the document of a setting. A name that this version does not
// know is another version's, and no error.
func settingOf(name string, value []byte) (map[string]tenantSetting, error) {
	var doc settingDocument
	if err := json.Unmarshal(value, &doc); err != nil {
		return nil, err
	}
	if doc.Schema != SchemaSetting {
		return nil, fmt.Errorf("schema: want %s", SchemaSetting)
	}
	if s, ok := Find(name); ok {
		if err := s.Check(doc.Value); err != nil {
			return nil, err
		}
	}
	return map[string]tenantSetting{name: {doc.Value, doc.By, doc.At}}, nil
}

func settingsOf(t orak.Tenant, value []byte) (map[string]tenantSetting, error) {
	if _, err := orak.ParseTenant(string(t)); err != nil {
		return nil, err
	}
	var doc tenantDocument
	if err := json.Unmarshal(value, &doc); err != nil {
		return nil, err
	}
	if doc.Schema != SchemaTenant {
		return nil, fmt.Errorf("schema: want %s", SchemaTenant)
	}
	for name, set := range doc.Settings {
		s, ok := Find(name)
		if !ok {
			continue
		}
		if !s.PerTenant {
			return nil, fmt.Errorf("%s applies everywhere, not to one tenant", name)
		}
		if err := s.Check(set.Value); err != nil {
			return nil, err
		}
	}
	return doc.Settings, nil
}

// checkKey bounds the keys that are kept and written.
func checkKey(key string) error {
	if kind, name, ok := strings.Cut(key, "/"); !ok || kind == "" || name == "" || len(key) > MaxKey || !utf8.ValidString(key) {
		return fmt.Errorf("key: want KIND/NAME of at most %d bytes", MaxKey)
	}
	return nil
}
