package events

import "strings"

// By says who did something, for the record: the credential, and in parentheses the
// name that a person gave, which is not verified. Without a credential it is that name.
// It has at most MaxBy bytes, if name has.
func By(credential, name string) string {
	room := MaxBy - len(credential) - len(" ()")
	switch {
	case credential == "":
		return name
	case name == "" || room < 1:
		return cut(credential, MaxBy)
	default:
		return credential + " (" + cut(name, room) + ")"
	}
}

// cut returns at most limit bytes of text, without a part of a character.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "")
}
