package api

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"mime"
	"strings"

	"github.com/gofiber/fiber/v2"

	"orak/api/resource"
)

// recording is the streamed file of a request. It returns io.EOF only once the
// request around it is complete as well.
type recording struct {
	src      io.Reader
	filename string
	description
	// size is the length in bytes; -1 means unknown.
	size  int64
	limit int64
	// claimed is the digest that the caller declares for the file, in the form of
	// orak.Upload; "" if it declares none.
	claimed string
	// after reads the rest of the request; nil if the file is the body.
	after func() error

	read int64
	sum  hash.Hash
	end  error
}

// Read implements io.Reader.
func (r *recording) Read(p []byte) (int, error) {
	if r.end != nil {
		return 0, r.end
	}
	n, err := r.src.Read(p)
	r.read += int64(n)
	r.sum.Write(p[:n])
	switch {
	case r.read > r.limit:
		r.end = errTooLarge
	case err == io.EOF && r.after != nil:
		r.end = r.after()
	case err == io.ErrUnexpectedEOF: // a form that is not closed
		r.end = errCutOff
	default:
		r.end = err
	}
	if n > 0 {
		return n, nil
	}
	return 0, r.end
}

// sound reports whether the recording has not failed so far.
func (r *recording) sound() bool { return r.end == nil || r.end == io.EOF }

// sha256 is the digest of what was read, in the form of orak.Upload.
func (r *recording) sha256() string { return hex.EncodeToString(r.sum.Sum(nil)) }

// openRecording finds the recording in a request: its body, or the first file of a
// form. It does not check that it is a recording; the declared media type only
// distinguishes the two.
func (s *Server) openRecording(c *fiber.Ctx) (*recording, error) {
	b := bodyOf(c)
	switch enc := c.Get(fiber.HeaderContentEncoding); enc {
	case "", "identity":
	default:
		return nil, refuse(codeUnsupportedEncoding, "Send the recording without Content-Encoding.")
	}
	digest, err := digestOf(c)
	if err != nil {
		return nil, err
	}
	if digest != nil {
		b.expectDigest(digest)
	}
	kind, params, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	form := strings.HasPrefix(kind, "multipart/")
	if form && (err != nil || kind != fiber.MIMEMultipartForm || params["boundary"] == "") {
		return nil, refuse(codeInvalidRequest, "A form must be multipart/form-data with a boundary.")
	}
	caller := exchangeOf(c).caller
	most := s.limits.uploadBytes(caller)
	if err := s.limits.admits(caller.Tenant, b.length); err != nil {
		return nil, err
	}
	limit := most
	if form {
		limit += maxAround
	}
	if b.length > limit {
		return nil, tooLarge(most)
	}
	b.limit = limit
	var about description
	if err := about.setQuery(c); err != nil {
		return nil, err
	}
	if form {
		rec, err := s.fromForm(b, params["boundary"], about, most)
		if err != nil {
			return nil, err
		}
		rec.owner, err = boundOwner(caller, rec.owner)
		return rec, err
	}
	if about.owner, err = boundOwner(caller, about.owner); err != nil {
		return nil, err
	}
	if b.length < 0 && digest == nil {
		return nil, refuse(codeLengthRequired, "Send Content-Length, or with a chunked body "+resource.HeaderContentDigest+": sha-256=:<base64>:, so that the end differs from a broken connection.")
	}
	return &recording{
		src: b, size: b.length, limit: most, sum: sha256.New(), claimed: hex.EncodeToString(digest),
		filename: dispositionFilename(c.Get(fiber.HeaderContentDisposition)), description: about,
	}, nil
}

func tooLarge(most int64) error {
	return refuse(codeTooLarge, "A recording may have at most "+formatBytes(most)+".")
}
