// Package schema has the JSON Schemas of orak's events, those of today and every
// released version.
//
// Today's schemas are in this folder, and each released version is in a folder of
// its own below released, which never changes. A version differs from all earlier
// ones only by what Breaks allows: closed objects gain optional fields, and lists of
// values gain values, so a reader must expect values that it does not know. In the
// words of schema registries that is BACKWARD_TRANSITIVE, and in addition nothing
// that was promised is dropped.
package schema

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Version is the version of today's schemas, from 1. Once it is released, the next
// change of a schema increments it.
const Version = 2

// The names of the schemas of events' data.
const (
	Received     = "received"
	Cancellation = "cancellation"
	Erasure      = "erasure"
	Lifecycle    = "lifecycle"
)

const (
	idPrefix = "urn:orak:schema:"
	suffix   = ".schema.json"
)

//go:embed *.schema.json released/*/*.json
var files embed.FS

// ID returns the $id of a schema, which is the same in each version.
func ID(name string) string { return idPrefix + name }

// DataSchema returns the CloudEvents attribute dataschema of events whose data
// conforms to today's schema of that name.
func DataSchema(name string) string { return ID(name) + ":" + strconv.Itoa(Version) }

// Document is one schema, as encoding/json decodes it.
type Document map[string]any

// Set has the schemas of one version by $id.
type Set map[string]Document

// Today returns today's schemas.
func Today() (Set, error) { return read(".") }

// Released returns the released versions.
func Released() (map[int]Set, error) {
	dirs, err := files.ReadDir("released")
	if err != nil {
		return nil, fmt.Errorf("listing the released schemas: %w", err)
	}
	released := make(map[int]Set)
	for _, dir := range dirs {
		version, err := strconv.Atoi(dir.Name())
		if err != nil {
			return nil, fmt.Errorf("released schemas: %q is not a version", dir.Name())
		}
		if released[version], err = read(path.Join("released", dir.Name())); err != nil {
			return nil, err
		}
	}
	return released, nil
}

// Text returns today's schema of that name, as it is in its file.
func Text(name string) ([]byte, error) { return files.ReadFile(name + suffix) }

func read(dir string) (Set, error) {
	names, err := fs.Glob(files, path.Join(dir, "*"+suffix))
	if err != nil {
		return nil, fmt.Errorf("listing schemas: %w", err)
	}
	set := make(Set)
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading a schema: %w", err)
		}
		var doc Document
		if err := json.Unmarshal(data, &doc); err != nil {
			return nil, fmt.Errorf("schema %s: %w", name, err)
		}
		id := ID(strings.TrimSuffix(path.Base(name), suffix))
		if doc["$id"] != id {
			return nil, fmt.Errorf("schema %s: want the $id %s", name, id)
		}
		set[id] = doc
	}
	return set, nil
}

// References returns the $ids of the other schemas that d refers to, each once.
func (d Document) References() []string {
	var ids []string
	seen := map[string]bool{}
	walk(map[string]any(d), func(ref string) {
		id, _, _ := strings.Cut(ref, "#")
		if id != "" && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	})
	return ids
}

func walk(node any, ref func(string)) {
	switch node := node.(type) {
	case map[string]any:
		for key, child := range node {
			if target, ok := child.(string); ok && key == "$ref" {
				ref(target)
				continue
			}
			walk(child, ref)
		}
	case []any:
		for _, child := range node {
			walk(child, ref)
		}
	}
}
