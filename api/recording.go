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

// recording is the file within a request, streamed. Its io.EOF comes only
// when the request around it is known to be complete as well.
type recording struct {
	src      io.Reader
	filename string
	// size is the length where it is known beforehand; else -1.
	size  int64
	limit int64
	// claimed is the digest that the caller says it has, as orak.Upload has it;
	// empty where nothing is said of the file itself.
	claimed string
	// after reads the rest of the request; nil where the file is the body.
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

// sound reports whether nothing is wrong with the recording so far.
func (r *recording) sound() bool { return r.end == nil || r.end == io.EOF }

// sha256 is the digest of what was read, as orak.Upload has it.
func (r *recording) sha256() string { return hex.EncodeToString(r.sum.Sum(nil)) }

// openRecording finds the recording in a request: its body, or the first file
// of a form. Whether it is one is not judged here, and the media type that the
// caller claims plays no part beyond telling the two apart.
func (s *Server) openRecording(c *fiber.Ctx) (*recording, error) {
	b := bodyOf(c)
	switch enc := c.Get(fiber.HeaderContentEncoding); enc {
	case "", "identity":
	default:
		return nil, refuse(codeUnsupportedEncoding, "Send the recording as it is, without Content-Encoding.")
	}
	digest, err := parseDigest(c.Get(resource.HeaderContentDigest))
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
	limit := s.cfg.MaxUploadBytes
	if form {
		limit += maxAround
	}
	if b.length > limit {
		return nil, s.tooLarge()
	}
	b.limit = limit
	if form {
		return s.fromForm(b, params["boundary"])
	}
	if b.length < 0 && digest == nil {
		return nil, refuse(codeLengthRequired, "Send Content-Length, or with a chunked body "+resource.HeaderContentDigest+": sha-256=:<base64>:, so that a cut connection can be told from the end.")
	}
	return &recording{
		src: b, size: b.length, limit: s.cfg.MaxUploadBytes, sum: sha256.New(), claimed: hex.EncodeToString(digest),
		filename: dispositionFilename(c.Get(fiber.HeaderContentDisposition)),
	}, nil
}

func (s *Server) tooLarge() error {
	r := refuse(codeTooLarge, "A recording may have "+formatBytes(s.cfg.MaxUploadBytes)+" at most.")
	return r
}
