package resource

import (
	"time"

	"orak"
)

// Act is what somebody did, for the record.
type Act struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
	// Act is KIND.VERB, such as "key.revoke" or "dead-letter.reprocess".
	Act string `json:"act"`
	// By is the credential, key/ID, jwt/SUB, kafka/USER, gateway or anonymous, and in
	// parentheses the name that a person gave, which is not verified.
	By string `json:"by"`
	// Tenant is whose thing it was done to; * for what concerns all tenants.
	Tenant orak.Tenant `json:"tenant"`
	// Subject names what it was done to, such as the id of an upload; it may be empty.
	Subject string `json:"subject,omitempty"`
	// Detail is the reason that was given, the value of a setting, or the like; it may be
	// empty.
	Detail string `json:"detail,omitempty"`
}

// ActPage is one page of acts, the latest first.
type ActPage struct {
	Acts []Act `json:"acts"`
	// Next is the page_token of the next page; empty on the last.
	Next string `json:"next,omitempty"`
}
