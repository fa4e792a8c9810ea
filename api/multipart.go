package api

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
)

const (
	// maxAround bounds the parts before the file of a form, in bytes.
	maxAround = 1 << 20
	// maxAfter bounds the parts after the file, in bytes.
	maxAfter = 64 << 10
	// maxPartHead bounds the header of a part, in bytes: mime/multipart would keep
	// up to 10 MiB of each in memory.
	maxPartHead = 16 << 10
	// maxParts bounds the number of parts.
	maxParts = 100
	// readAhead is the most that mime/multipart reads ahead, in bytes.
	readAhead = 8 << 10
)

// The refusals of a form.
var (
	errAfter      = refuse(codeInvalidRequest, "The file must come last in the form; at most "+formatBytes(maxAfter)+" may follow it. Send one recording per request.")
	errAround     = refuse(codeInvalidRequest, "At most "+formatBytes(maxAround)+" may come before the file in a form.")
	errSecondFile = refuse(codeInvalidRequest, "The form has more than one file. Send one recording per request; nothing was stored.")
	errPartHead   = refuse(codeInvalidRequest, "The header of a part of the form is larger than "+formatBytes(maxPartHead)+".")
	errLateField  = refuse(codeInvalidRequest, "The fields owner, kind and metadata must come before the file in a form. Nothing was stored.")
	errManyParts  = refuse(codeInvalidRequest, fmt.Sprintf("A form may have at most %d parts.", maxParts))
)

// form reads the parts of a form sequentially, without a temporary file.
type form struct {
	parts *multipart.Reader
	head  *bounded
	seen  int
}

// bounded is a reader that fails after left bytes, unless left is negative.
type bounded struct {
	src  io.Reader
	left int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return b.src.Read(p)
	}
	if b.left == 0 {
		return 0, errPartHead
	}
	n, err := b.src.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

func newForm(src io.Reader, boundary string) *form {
	head := &bounded{src: src, left: -1}
	return &form{parts: multipart.NewReader(head, boundary), head: head}
}

// next skips to the next part; io.EOF means that the form is closed.
func (f *form) next() (p *multipart.Part, filename string, isFile bool, err error) {
	if f.seen++; f.seen > maxParts+1 {
		return nil, "", false, errManyParts
	}
	f.head.left = maxPartHead + readAhead
	p, err = f.parts.NextRawPart()
	f.head.left = -1
	if err != nil {
		return nil, "", false, err
	}
	filename, isFile, err = partFile(p.Header)
	return p, filename, isFile, err
}

// fromForm finds the first file of a form.
func (s *Server) fromForm(b *body, boundary string, about description, most int64) (*recording, error) {
	f := newForm(b, boundary)
	left := int64(maxAround)
	for {
		part, filename, isFile, err := f.next()
		switch {
		case err == io.EOF:
			return nil, refuse(codeInvalidRequest, "The form has no file: a part with a filename in its Content-Disposition.")
		case err != nil:
			return nil, s.broken(formError(err))
		case isFile:
			return &recording{
				src: part, size: -1, limit: most, sum: sha256.New(),
				filename: filename, description: about, after: func() error { return f.finish(b) },
			}, nil
		}
		if name := part.FormName(); describes(name) {
			if err := about.setField(name, part, &left); err != nil {
				return nil, s.broken(formError(err))
			}
			continue
		}
		if err := skip(part, &left, errAround); err != nil {
			return nil, s.broken(formError(err))
		}
	}
}

// skip discards a part without a file. left is what all such parts may still have.
func skip(part io.Reader, left *int64, tooMuch error) error {
	n, err := io.CopyN(io.Discard, part, *left)
	switch *left -= n; {
	case err == nil || *left <= 0:
		return tooMuch
	case err == io.EOF:
		return nil
	default:
		return err
	}
}

// finish reads what follows the file; io.EOF means that the form is closed and the
// body complete. A second file is refused, since it would be lost silently.
func (f *form) finish(b *body) error {
	left := int64(maxAfter)
	for {
		part, _, isFile, err := f.next()
		switch {
		case err == io.EOF:
			if err := skip(b, &left, errAfter); err != nil {
				return err
			}
			return io.EOF
		case err != nil:
			return formError(err)
		case isFile:
			return errSecondFile
		case describes(part.FormName()):
			return errLateField
		}
		if err := skip(part, &left, errAfter); err != nil {
			return formError(err)
		}
	}
}

// formError distinguishes a form that was cut off from a malformed one.
func formError(err error) error {
	for _, own := range []error{errCutOff, errStalled, errSlow, errDigest, errTooLarge} {
		if errors.Is(err, own) {
			return own
		}
	}
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errCutOff
	}
	return newMalformedPart().because(err)
}
