package messages

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"orak"
)

// Console says where operators reach the console. Its methods return "" if that is
// not known.
type Console struct {
	URL string `name:"url" help:"Address at which operators reach the console, such as https://orak.example.org, for links in alerts. Empty: no links." default:""`
}

// Validate returns an error unless the address can stand in a message.
func (c Console) Validate() error {
	if c.URL == "" {
		return nil
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil, u.Host == "", u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("url %.200q: want an http or https address", c.URL)
	case u.User != nil:
		return errors.New("url: want no user and no password in it") // which are not shown
	case u.RawQuery != "", u.ForceQuery, strings.Contains(c.URL, "#"):
		return fmt.Errorf("url %.200q: want no query and no fragment", c.URL)
	case strings.ContainsFunc(c.URL, unsafeInURL):
		return fmt.Errorf("url %.200q: has characters that a message cannot show; write them with %%", c.URL)
	}
	return nil
}

// unsafeInURL finds what would end a link, or mean something to a chat.
func unsafeInURL(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune("<>&@`|\"'\\*()", r)
}

// Home returns the first page of operators.
func (c Console) Home() string { return c.page("/operate") }

// DeadLetters returns the page with all dead letters.
func (c Console) DeadLetters() string { return c.page("/operate/dead-letters") }

// DeadLetter returns the page on which one dead letter is decided; "" for an id that
// orak cannot have made. With its tenant, if that is known, the page opens for everybody who may
// name one, too, and says to others whose it is.
func (c Console) DeadLetter(id orak.UploadID, t orak.Tenant) string {
	if !pasteable.MatchString(string(id)) {
		return ""
	}
	page := c.page("/operate/dead-letters/" + url.PathEscape(string(id)))
	if t, err := orak.ParseTenant(string(t)); err == nil && page != "" {
		page += "?tenant=" + string(t)
	}
	return page
}

func (c Console) page(path string) string {
	if c.URL == "" {
		return ""
	}
	return strings.TrimRight(c.URL, "/") + path
}
