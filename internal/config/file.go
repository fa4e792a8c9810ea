package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// file has the values of a YAML file by the names of their flags, as texts that
// the flag would accept.
//
// The key of a setting is the name of its flag, which may be split at any
// hyphen to nest: `kafka: {brokers: …}` and `kafka-brokers: …` are the same
// setting, and a file with both is refused.
type file struct {
	path   string
	values map[string]entry
}

type entry struct {
	value string
	line  int
}

func (f file) lookup(flag *kong.Flag) (value, from string) {
	e, ok := f.values[flag.Name]
	if !ok {
		return "", ""
	}
	return e.value, fmt.Sprintf("%s:%d", f.path, e.line)
}

// readFile returns all errors of the file together.
func readFile(path string, flags []*kong.Flag) (file, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return file{}, fmt.Errorf("reading the configuration file: %w", err)
	}
	root, err := document(text)
	if err != nil {
		return file{}, fmt.Errorf("reading the configuration file %s: %w", path, err)
	}
	r := fileReader{flags: map[string]*kong.Flag{}, out: file{path: path, values: map[string]entry{}}}
	for _, f := range flags {
		r.flags[f.Name] = f
		r.keys = append(r.keys, fileKey(f))
	}
	if root != nil {
		r.mapping(root, nil)
	}
	return r.out, errors.Join(r.errs...)
}

// document returns the root of the only document in text; nil if it is empty.
func document(text []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("it has more than one document: keep one")
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, errors.New("it is not a mapping from settings to values")
	}
	return root, nil
}

type fileReader struct {
	flags map[string]*kong.Flag
	keys  []string
	out   file
	errs  []error
}

func (r *fileReader) fail(n *yaml.Node, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("%s:%d: %s", r.out.path, n.Line, fmt.Sprintf(format, args...)))
}

func (r *fileReader) mapping(n *yaml.Node, path []string) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		full := append(path[:len(path):len(path)], key.Value)
		flag, known := r.flags[strings.Join(full, "-")]
		switch {
		case known:
			r.setting(flag, key, value)
		case value.Kind == yaml.MappingNode && len(value.Content) > 0:
			r.mapping(value, full)
		case kindOf(value) == "nothing" || value.Kind == yaml.MappingNode:
			// A group in which every setting is commented out.
			if !r.group(strings.Join(full, "-") + "-") {
				r.unknown(key, strings.Join(full, "."))
			}
		default:
			r.unknown(key, strings.Join(full, "."))
		}
	}
}

func (r *fileReader) group(prefix string) bool {
	for name := range r.flags {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func (r *fileReader) unknown(key *yaml.Node, name string) {
	if near := nearest(name, r.keys); near != "" {
		r.fail(key, "there is no setting %q; did you mean %q?", name, near)
		return
	}
	r.fail(key, "there is no setting %q", name)
}

func (r *fileReader) setting(flag *kong.Flag, key, value *yaml.Node) {
	if first, twice := r.out.values[flag.Name]; twice {
		r.fail(key, "%q is set here and in line %d", fileKey(flag), first.line)
		return
	}
	text, err := flagText(flag, value)
	if err != nil {
		r.fail(value, "%q: %v", fileKey(flag), err)
		return
	}
	r.out.values[flag.Name] = entry{value: text, line: value.Line}
}

// flagText checks the type of a node and returns it as the text of an argument.
func flagText(flag *kong.Flag, n *yaml.Node) (string, error) {
	t := flag.Target.Type()
	if t.Kind() == reflect.Slice && flag.IsSlice() {
		if n.Kind != yaml.SequenceNode {
			return "", fmt.Errorf("want a list, have %s", kindOf(n))
		}
		var items []string
		for _, item := range n.Content {
			text, err := scalar(t.Elem(), item)
			if err != nil {
				return "", err
			}
			items = append(items, text)
		}
		return kong.JoinEscaped(items, flag.Tag.Sep), nil
	}
	if t.Kind() == reflect.Map {
		return mapText(flag, t.Elem(), n)
	}
	return scalar(t, n)
}

func mapText(flag *kong.Flag, elem reflect.Type, n *yaml.Node) (string, error) {
	if n.Kind != yaml.MappingNode {
		return "", fmt.Errorf("want a mapping, have %s", kindOf(n))
	}
	var items []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		text, err := scalar(elem, n.Content[i+1])
		if err != nil {
			return "", err
		}
		items = append(items, n.Content[i].Value+"="+text)
	}
	return kong.JoinEscaped(items, flag.Tag.MapSep), nil
}

func scalar(t reflect.Type, n *yaml.Node) (string, error) {
	want, tags := scalarTags(t)
	if n.Kind == yaml.ScalarNode {
		for _, tag := range tags {
			if n.Tag == tag {
				return n.Value, nil
			}
		}
	}
	return "", fmt.Errorf("want %s, have %s", want, kindOf(n))
}

// scalarTags returns the YAML tags that a value of type t may have, and their
// description.
func scalarTags(t reflect.Type) (want string, tags []string) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[time.Duration]() {
		return `a duration such as "30s"`, []string{"!!str"}
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false", []string{"!!bool"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number", []string{"!!int"}
	case reflect.Float32, reflect.Float64:
		return "a number", []string{"!!int", "!!float"}
	case reflect.String:
		return "a string (in quotes, if it looks like something else)", []string{"!!str"}
	default:
		return "a single value", []string{"!!str", "!!int", "!!float", "!!bool"}
	}
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias, which is not supported"
	}
	switch n.Tag {
	case "!!null":
		return "nothing"
	case "!!bool":
		return "true or false"
	case "!!int", "!!float":
		return "a number"
	default:
		return "a string"
	}
}
