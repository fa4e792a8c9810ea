package check

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// Object is one Kubernetes object, as maps, slices and scalars.
type Object map[string]any

// Parse reads the objects of a rendered chart. Empty documents are left out.
func Parse(manifest []byte) ([]Object, error) {
	var objects []Object
	decoder := yaml.NewDecoder(bytes.NewReader(manifest))
	for {
		// Not an Object: nested maps would get that type, too.
		var object map[string]any
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("parsing the rendered chart: %w", err)
		}
		if object != nil {
			objects = append(objects, object)
		}
	}
}

// Kind returns the object's kind, such as Deployment.
func (o Object) Kind() string { return o.text("kind") }

// Name returns the object's name.
func (o Object) Name() string { return o.text("metadata", "name") }

// String names the object in messages.
func (o Object) String() string { return o.Kind() + " " + o.Name() }

// At returns what is below keys, which are names of fields and indexes of lists; nil if
// there is nothing.
func (o Object) At(keys ...any) any {
	var at any = map[string]any(o)
	for _, key := range keys {
		switch key := key.(type) {
		case string:
			fields, _ := at.(map[string]any)
			at = fields[key]
		case int:
			items, _ := at.([]any)
			if key >= len(items) {
				return nil
			}
			at = items[key]
		}
	}
	return at
}

// Set replaces what is below keys, of which all but the last exist; a nil value removes it.
func (o Object) Set(value any, keys ...any) {
	last := len(keys) - 1
	switch parent := o.At(keys[:last]...).(type) {
	case map[string]any:
		if value == nil {
			delete(parent, keys[last].(string))
			return
		}
		parent[keys[last].(string)] = value
	case []any:
		parent[keys[last].(int)] = value
	}
}

func (o Object) text(keys ...any) string {
	text, _ := o.At(keys...).(string)
	return text
}

func (o Object) number(keys ...any) int {
	number, _ := o.At(keys...).(int)
	return number
}

// each returns the items of a list as objects.
func (o Object) each(keys ...any) []Object {
	items, _ := o.At(keys...).([]any)
	objects := make([]Object, 0, len(items))
	for _, item := range items {
		if fields, ok := item.(map[string]any); ok {
			objects = append(objects, fields)
		}
	}
	return objects
}

// fields returns a map below keys.
func (o Object) fields(keys ...any) map[string]any {
	fields, _ := o.At(keys...).(map[string]any)
	return fields
}
