package api

import (
	"mime"

	"orak"
)

// dispositionFilename is the name in a Content-Disposition header; empty where
// there is none or the header cannot be read.
func dispositionFilename(header string) string {
	_, params, err := mime.ParseMediaType(header)
	if err != nil {
		return ""
	}
	return orak.CleanFilename(params["filename"])
}
