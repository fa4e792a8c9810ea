package resource

import (
	"time"

	"orak"
)

// Settings are the live settings.
type Settings struct {
	// Live is false if Kafka cannot be asked: the values may be out of date.
	Live bool `json:"live"`
	// SnapshotAt is when the snapshot was written that the values are from; left out if they are from Kafka.
	SnapshotAt time.Time `json:"snapshot_at,omitzero"`
	// Tenant is whose settings these are; left out for those that apply everywhere.
	Tenant orak.Tenant `json:"tenant,omitempty"`
	// Settings are in the order of their names.
	Settings []Setting `json:"settings"`
	// Refused are changes that are not in effect.
	Refused []RefusedSetting `json:"refused,omitempty"`
}

// Setting is a live setting and its value in effect.
type Setting struct {
	Name string `json:"name"`
	// Tenant is for whom the value is set; left out if it applies everywhere.
	Tenant orak.Tenant `json:"tenant,omitempty"`
	Value  string      `json:"value"`
	// Default is the value while nothing is set: that of the flag of this server. Other processes may have another flag.
	Default string `json:"default"`
	// Source is set or default.
	Source string `json:"source"`
	// Range is which values it takes, and Help what it does.
	Range string `json:"range"`
	Help  string `json:"help"`
	// PerTenant is whether it can be set for one tenant.
	PerTenant bool `json:"per_tenant"`
	// By is who set it, and At when; left out if nobody did.
	By string    `json:"by,omitempty"`
	At time.Time `json:"at,omitzero"`
	// Version is what a change names as seen. The settings of a tenant share one; 0 if nothing is set.
	Version int64 `json:"version"`
}

// RefusedSetting is a change that is not in effect.
type RefusedSetting struct {
	// Key is the key of the document, such as setting/gpu-slots.
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

// SettingRequest changes a live setting.
type SettingRequest struct {
	// Value is the new value.
	Value string `json:"value"`
	// Version is the version that the caller has seen.
	Version int64 `json:"version"`
}

// Tenants are the tenants that are known from keys, settings, webhooks and the latest uploads.
type Tenants struct {
	// Tenants are in the order of their names, at most 500.
	Tenants []TenantSummary `json:"tenants"`
	// Truncated is true if there are more.
	Truncated bool      `json:"truncated,omitempty"`
	CheckedAt time.Time `json:"checked_at"`
	// Unavailable are the parts that could not be read.
	Unavailable []Unavailable `json:"unavailable,omitempty"`
}

// TenantSummary is a tenant, its limits and what it uses.
type TenantSummary struct {
	Tenant orak.Tenant `json:"tenant"`
	// Keys is how many API keys it has, and Webhooks how many webhooks.
	Keys     int `json:"keys"`
	Webhooks int `json:"webhooks"`
	// Settings is how many settings are set for it.
	Settings int `json:"settings"`
	// UploadsToday is how many uploads of the day (UTC) are being processed or were; null if that is not known.
	UploadsToday *int64 `json:"uploads_today"`
	// Limits are those in effect in this process.
	Limits TenantLimits `json:"limits"`
	// Usage is what it uses in this process, of the several that there may be.
	Usage TenantUsage `json:"usage"`
}

// TenantLimits are the limits of a tenant in one process; 0 is no limit.
type TenantLimits struct {
	// Uploads is how many may run at once.
	Uploads int `json:"uploads"`
	// Requests is per second.
	Requests int `json:"requests"`
	// DayBytes is of recordings in a day (UTC).
	DayBytes int64 `json:"day_bytes"`
	// UploadBytes is of one recording.
	UploadBytes int64 `json:"upload_bytes"`
	// Watchers is how many event streams may be open.
	Watchers int `json:"watchers"`
	// Paused is whether its uploads are refused.
	Paused bool `json:"paused"`
}

// TenantUsage is what a tenant uses in one process.
type TenantUsage struct {
	// Uploads is how many are being received.
	Uploads int `json:"uploads"`
	// DayBytes is of recordings accepted today (UTC), since the process started.
	DayBytes int64 `json:"day_bytes"`
}
