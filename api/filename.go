package api

import (
	"mime"
	"net/textproto"
	"net/url"
	"regexp"
	"strings"

	"orak"
)

// dispositionFilename is the name in a Content-Disposition header; empty where
// there is none.
func dispositionFilename(header string) string {
	name, _ := looseFilename(header)
	return orak.CleanFilename(name)
}

// partFile says whether a form's part is a file: its Content-Disposition has a
// filename that is not empty, which is how browsers send a choice of none.
func partFile(header textproto.MIMEHeader) (filename string, isFile bool, err error) {
	disposition := header.Get("Content-Disposition")
	name, understood := looseFilename(disposition)
	if !understood {
		return "", false, newMalformedPart()
	}
	return orak.CleanFilename(name), name != "", nil
}

// newMalformedPart is the refusal of a part whose header cannot be understood.
func newMalformedPart() *refusal {
	return refuse(codeInvalidRequest, `The form is malformed: a part's header cannot be understood. Its Content-Disposition should look like form-data; name="file"; filename="a.wav".`)
}

// filenameParam finds a filename that is quoted badly or not at all: to the last
// quote before the next parameter, or to the next semicolon.
var filenameParam = regexp.MustCompile(`(?is);\s*filename(\*?)\s*=\s*(?:"(.*?)"\s*(?:;\s*[a-z0-9*_-]+\s*=.*)?$|([^;]*))`)

// looseFilename reads the filename of a Content-Disposition. The name is
// decoration, and clients quote it in many ways: it is taken even where the
// header breaks RFC 6266. understood is false where the header says neither that
// there is a name nor that there is none.
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

// extended reads RFC 5987's charset'language'value, as far as it is one.
func extended(value string) string {
	parts := strings.SplitN(value, "'", 3)
	if decoded, err := url.PathUnescape(parts[len(parts)-1]); err == nil {
		return decoded
	}
	return value
}
