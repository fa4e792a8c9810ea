package api

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
)

const (
	// maxAround bounds what a form may hold before its file, in bytes.
	maxAround = 1 << 20
	// maxAfter bounds what may follow the file, in bytes.
	maxAfter = 64 << 10
	// maxPartHead bounds the header of a form's part, in bytes: mime/multipart
	// would keep 10 MiB of each in memory.
	maxPartHead = 16 << 10
	// maxParts bounds the parts of a form.
	maxParts = 100
	// readAhead is how much mime/multipart reads ahead at most.
	readAhead = 8 << 10
)

// How a form can be refused, beside being cut off.
var (
	errAfter      = refuse(codeInvalidRequest, "The file must come last in the form; at most "+formatBytes(maxAfter)+" may follow it. Send one recording per request.")
	errAround     = refuse(codeInvalidRequest, "At most "+formatBytes(maxAround)+" may come before the file in a form.")
	errSecondFile = refuse(codeInvalidRequest, "The form has more than one file. Send one recording per request; nothing was stored.")
	errPartHead   = refuse(codeInvalidRequest, "The header of a part of the form is larger than "+formatBytes(maxPartHead)+".")
	errManyParts  = refuse(codeInvalidRequest, fmt.Sprintf("A form may have %d parts.", maxParts))
)

// form reads the parts of a form one after the other. Nothing is spooled.
type form struct {
	parts *multipart.Reader
	head  *bounded
	seen  int
}

// bounded is a reader that fails where more than left bytes are read, unless
// left is negative.
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

// next goes to the next part, once the one before is read; io.EOF says that
// there is none, and that the form is closed.
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

// fromForm goes to the first file of a form.
func (s *Server) fromForm(b *body, boundary string) (*recording, error) {
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
				src: part, size: -1, limit: s.cfg.MaxUploadBytes, sum: sha256.New(),
				filename: filename, after: func() error { return f.finish(b) },
			}, nil
		}
		if err := skip(part, &left, errAround); err != nil {
			return nil, s.broken(formError(err))
		}
	}
}

// skip reads a part that is no file, of which all may have left bytes.
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

// finish reads what follows the file, so that the form is known to be closed
// and the body complete; io.EOF says that all is well. A second file is
// refused: it would be dropped without a word.
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
		}
		if err := skip(part, &left, errAfter); err != nil {
			return formError(err)
		}
	}
}

// formError tells a form that ends too early from one that is malformed.
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
