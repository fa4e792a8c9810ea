package api

import (
	"mime"
	"net/textproto"
	"net/url"
	"regexp"
	"strings"

	"orak"
)

// dispositionFilename is the file name in a Content-Disposition header, or "".
func dispositionFilename(header string) string {
	name, _ := looseFilename(header)
	return orak.CleanFilename(name)
}

// partFile reports whether a part of a form is a file: its Content-Disposition has a
// filename that is not empty. Browsers send an empty one if no file was chosen.
func partFile(header textproto.MIMEHeader) (filename string, isFile bool, err error) {
	disposition := header.Get("Content-Disposition")
	name, understood := looseFilename(disposition)
	if !understood {
		return "", false, newMalformedPart()
	}
	return orak.CleanFilename(name), name != "", nil
}

// newMalformedPart is the refusal of a part whose header cannot be parsed.
func newMalformedPart() *refusal {
	return refuse(codeInvalidRequest, `The form is malformed: the header of a part cannot be parsed. Its Content-Disposition should look like form-data; name="file"; filename="a.wav".`)
}

// filenameParam finds a filename that is badly quoted or unquoted: up to the last
// quote before the next parameter, or to the next semicolon.
var filenameParam = regexp.MustCompile(`(?is);\s*filename(\*?)\s*=\s*(?:"(.*?)"\s*(?:;\s*[a-z0-9*_-]+\s*=.*)?$|([^;]*))`)

// looseFilename reads the filename of a Content-Disposition. The name is only for
// display, and clients quote it in many ways, so it is accepted even if the header
// violates RFC 6266. understood is false if the header leaves open whether there is
// a name.
func looseFilename(header string) (name string, understood bool) {
	_, params, err := mime.ParseMediaType(header)
	if err == nil {
		return params["filename"], true
	}
	found := filenameParam.FindStringSubmatch(header)
	if found == nil {
		return "", !strings.Contains(strings.ToLower(header), "filename")
	}
	name = strings.TrimSpace(found[2] + found[3])
	if found[1] == "*" {
		return extended(name), true
	}
	return strings.ReplaceAll(name, `\"`, `"`), true
}

// extended decodes RFC 5987's charset'language'value, as far as value is one.
func extended(value string) string {
	parts := strings.SplitN(value, "'", 3)
	if decoded, err := url.PathUnescape(parts[len(parts)-1]); err == nil {
		return decoded
	}
	return value
}
