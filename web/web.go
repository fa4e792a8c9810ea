// Package web has the built console: the page that people use at the server's address.
// The API serves it; the sources beside this file make dist.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"mime"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// noncePlaceholder stands in the page where the nonce of each answer goes.
const noncePlaceholder = "__NONCE__"

// indexName is the file that is the page.
const indexName = "index.html"

// assetFolder has the files whose names change with their content.
const assetFolder = "assets/"

//go:embed all:dist
var dist embed.FS

// Pages are the files of the console, in memory. They never change.
type Pages struct {
	index []byte
	files map[string]*File
}

// File is a file of the console other than its page. The caller must not change it.
type File struct {
	MediaType string
	Content   []byte
	// ETag identifies the content; it has no quotes.
	ETag string
	// Immutable says that another content will have another name.
	Immutable bool

	zipped func() []byte
}

// Gzip returns the content compressed; nil if that does not make it smaller. It is
// compressed once.
func (f *File) Gzip() []byte { return f.zipped() }

// Embedded returns the console that is part of the program.
func Embedded() (*Pages, error) {
	built, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, err
	}
	return Load(built)
}

// Load reads a console that Vite has built. The error says what is missing.
func Load(built fs.FS) (*Pages, error) {
	p := &Pages{files: map[string]*File{}}
	err := fs.WalkDir(built, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(built, name)
		if err != nil {
			return err
		}
		if name == indexName {
			p.index = content
			return nil
		}
		p.files[name] = newFile(name, content)
		return nil
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the console: %w", err)
	case p.index == nil:
		return nil, errors.New("reading the console: there is no " + indexName)
	case !bytes.Contains(p.index, []byte(noncePlaceholder)):
		return nil, errors.New("reading the console: " + indexName + " has no place for the nonce, " + noncePlaceholder)
	}
	return p, nil
}

func newFile(name string, content []byte) *File {
	sum := sha256.Sum256(content)
	return &File{
		MediaType: mediaType(name), Content: content, ETag: hex.EncodeToString(sum[:8]), Immutable: strings.HasPrefix(name, assetFolder),
		zipped: sync.OnceValue(func() []byte { return compressed(content) }),
	}
}

// mediaTypes are of the files that a build may have: what the system says of an
// extension differs between machines.
var mediaTypes = map[string]string{
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon",
	".woff2": "font/woff2", ".json": "application/json", ".webmanifest": "application/manifest+json", ".wasm": "application/wasm", ".txt": "text/plain; charset=utf-8",
}

func mediaType(name string) string {
	if known, ok := mediaTypes[path.Ext(name)]; ok {
		return known
	}
	if guess := mime.TypeByExtension(path.Ext(name)); guess != "" {
		return guess
	}
	return "application/octet-stream"
}

func compressed(content []byte) []byte {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is valid
	}
	_, _ = z.Write(content) // a bytes.Buffer takes everything
	_ = z.Close()
	if out.Len() >= len(content) {
		return nil
	}
	return out.Bytes()
}

// Index returns the page, whose style elements may have nonce: letters, digits, '+', '/'
// and '='.
func (p *Pages) Index(nonce string) []byte {
	return bytes.ReplaceAll(p.index, []byte(noncePlaceholder), []byte(nonce))
}

// File returns the file at a path from the root, without the first slash; ok is false if
// there is none. The page is none.
func (p *Pages) File(name string) (f *File, ok bool) {
	f, ok = p.files[name]
	return f, ok
}

// Names returns the names of all files but the page, in order.
func (p *Pages) Names() []string { return slices.Sorted(maps.Keys(p.files)) }
