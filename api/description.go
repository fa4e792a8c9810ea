package api

import (
	"io"
	"strings"

	"github.com/gofiber/fiber/v2"

	"orak"
)

// The parameters that describe a recording: in the query, or as fields of a form
// before its file. Personal data belongs in a form, since proxies log queries.
const (
	paramOwner    = "owner"
	paramKind     = "kind"
	paramMetadata = "metadata"
)

// maxField bounds the value of a field of a form that describes the recording, in
// bytes; the metadata may have insignificant space.
const maxField = 4 * orak.MaxMetadata

// description is what the caller says of a recording.
type description struct {
	owner    string
	kind     orak.Kind
	metadata orak.Metadata
	// given has the names of the parameters so far.
	given []string
}

func describes(name string) bool {
	return name == paramOwner || name == paramKind || name == paramMetadata
}

// set takes one parameter. Each may be given once, since two could differ.
func (d *description) set(name, value string) (err error) {
	for _, earlier := range d.given {
		if earlier == name {
			return refuse(codeInvalidRequest, name+" may be given only once.")
		}
	}
	d.given = append(d.given, name)
	switch name {
	case paramOwner:
		d.owner, err = orak.ParseOwner(strings.Clone(value))
	case paramKind:
		d.kind, err = orak.ParseKind(value)
	case paramMetadata:
		d.metadata, err = orak.ParseMetadata([]byte(value))
	}
	if err != nil {
		return refuse(codeInvalidRequest, name+": "+err.Error()+". Nothing was stored.")
	}
	return nil
}

// setQuery takes the parameters of the query.
func (d *description) setQuery(c *fiber.Ctx) error {
	for _, name := range []string{paramOwner, paramKind, paramMetadata} {
		for _, value := range c.Context().QueryArgs().PeekMulti(name) {
			if err := d.set(name, string(value)); err != nil {
				return err
			}
		}
	}
	return nil
}

// setField takes a field of a form, and subtracts what it reads from left.
func (d *description) setField(name string, part io.Reader, left *int64) error {
	value, err := io.ReadAll(io.LimitReader(part, maxField+1))
	if err != nil {
		return err
	}
	if len(value) > maxField {
		return refuse(codeInvalidRequest, name+": want at most "+formatBytes(maxField)+". Nothing was stored.")
	}
	if *left -= int64(len(value)); *left < 0 {
		return errAround
	}
	return d.set(name, string(value))
}

// describe adds d to u.
func (d description) describe(u orak.Upload) orak.Upload {
	u.Owner, u.Kind, u.Metadata = d.owner, d.kind, d.metadata
	return u
}
