package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// openAPI is the contract, as far as the reference page shows it.
type openAPI struct {
	Info struct {
		Title, Summary, Description string
	}
	Tags []struct {
		Name, Description string
	}
	Paths      ordered[pathItem]
	Components struct {
		Parameters map[string]parameter
		Headers    map[string]parameter
		Responses  ordered[answerOf]
		Schemas    ordered[schema]
	}
}

// ordered is a mapping in the order of the document.
type ordered[T any] []entry[T]

type entry[T any] struct {
	Name  string
	Value T
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (o *ordered[T]) UnmarshalYAML(node *yaml.Node) error {
	for i := 0; i+1 < len(node.Content); i += 2 {
		e := entry[T]{Name: node.Content[i].Value}
		if err := node.Content[i+1].Decode(&e.Value); err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		*o = append(*o, e)
	}
	return nil
}

type pathItem struct {
	Parameters []parameter
	Methods    ordered[operation]
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (p *pathItem) UnmarshalYAML(node *yaml.Node) error {
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i].Value, node.Content[i+1]
		if name == "parameters" {
			if err := value.Decode(&p.Parameters); err != nil {
				return err
			}
			continue
		}
		e := entry[operation]{Name: strings.ToUpper(name)}
		if err := value.Decode(&e.Value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		p.Methods = append(p.Methods, e)
	}
	return nil
}

type operation struct {
	ID                   string `yaml:"operationId"`
	Tags                 []string
	Summary, Description string
	Parameters           []parameter
	Security             []map[string][]string
	Body                 struct {
		Description string
		Content     ordered[media]
	} `yaml:"requestBody"`
	Responses ordered[answerOf]
}

// parameter is a parameter or a header.
type parameter struct {
	Ref                   string `yaml:"$ref"`
	Name, In, Description string
	Required              bool
	Schema                schema
	Example               any
}

// answerOf is a response.
type answerOf struct {
	Ref         string `yaml:"$ref"`
	Description string
	Headers     ordered[parameter]
	Content     ordered[media]
}

type media struct {
	Schema   schema
	Example  any
	Examples ordered[struct{ Value problemExample }]
}

type problemExample struct {
	Type, Title string
	Status      int
}

// Text returns the example as it is sent.
func (m media) Text() (string, error) {
	if m.Example == nil {
		return "", nil
	}
	if text, ok := m.Example.(string); ok {
		return text, nil
	}
	text, err := json.MarshalIndent(m.Example, "", "  ")
	return string(text), err
}

type schema struct {
	Ref                          string `yaml:"$ref"`
	Type                         types
	Format, Pattern, Description string
	Enum                         []any
	Const, Default               any
	Properties                   ordered[schema]
	Required                     []string
	Items                        *schema
	AllOf                        []schema `yaml:"allOf"`
	Minimum, Maximum             *float64
	MinLength                    *int `yaml:"minLength"`
	MaxLength                    *int `yaml:"maxLength"`
	Example                      any
}

// types is one type, or several.
type types []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (t *types) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*t = types{node.Value}
		return nil
	}
	return node.Decode((*[]string)(t))
}

func parseContract(text []byte) (*openAPI, error) {
	var doc openAPI
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("reading the contract: %w", err)
	}
	return &doc, nil
}

// nameOf is the last part of a reference.
func nameOf(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

func (d *openAPI) response(r answerOf) answerOf {
	for _, shared := range d.Components.Responses {
		if r.Ref != "" && shared.Name == nameOf(r.Ref) {
			return shared.Value
		}
	}
	return r
}

func (d *openAPI) parameter(p parameter) parameter {
	if strings.HasPrefix(p.Ref, "#/components/headers/") {
		return d.Components.Headers[nameOf(p.Ref)]
	}
	if p.Ref != "" {
		return d.Components.Parameters[nameOf(p.Ref)]
	}
	return p
}

// Operation is one operation of a section.
type Operation struct {
	operation
	Method, Path string
	All          []parameter
}

// Operations returns the operations of a tag.
func (d *openAPI) Operations(tag string) (found []Operation) {
	for _, path := range d.Paths {
		for _, method := range path.Value.Methods {
			if slices.Contains(method.Value.Tags, tag) {
				all := slices.Concat(path.Value.Parameters, method.Value.Parameters)
				found = append(found, Operation{method.Value, method.Name, path.Name, all})
			}
		}
	}
	return found
}

// Problems returns every problem.
func (d *openAPI) Problems() (found []problemExample) {
	for _, r := range d.Components.Responses {
		for _, m := range r.Value.Content {
			for _, example := range m.Value.Examples {
				found = append(found, example.Value.Value)
			}
		}
	}
	return found
}

// row is a field of a schema; those of objects within it have names with dots.
type row struct {
	Name     string
	Required bool
	Schema   schema
}

// rows returns the fields of a schema, with those of the schemas that it is made of.
func (d *openAPI) rows(s schema) (all []row) {
	if s.Ref != "" {
		for _, shared := range d.Components.Schemas {
			if shared.Name == nameOf(s.Ref) {
				return d.rows(shared.Value)
			}
		}
	}
	for _, part := range s.AllOf {
		all = append(all, d.rows(part)...)
	}
	for _, field := range s.Properties {
		all = append(all, row{field.Name, slices.Contains(s.Required, field.Name), field.Value})
		for _, inner := range field.Value.Properties {
			all = append(all, row{field.Name + "." + inner.Name, slices.Contains(field.Value.Required, inner.Name), inner.Value})
		}
	}
	return all
}

// kind is the type of a value in words: Before, a schema to link to, After.
type kind struct{ Before, Link, After string }

func typeOf(s schema) kind {
	switch {
	case s.Ref != "":
		return kind{Link: nameOf(s.Ref)}
	case s.Items != nil && s.Items.Ref != "":
		return kind{Before: "array of ", Link: nameOf(s.Items.Ref)}
	case s.Items != nil:
		return kind{Before: "array of " + typeOf(*s.Items).Before}
	case s.Const != nil:
		return kind{Before: fmt.Sprintf("%q", s.Const)}
	}
	words := strings.Join(s.Type, " or ")
	if s.Format != "" && s.Format != "int64" {
		words += " (" + s.Format + ")"
	}
	if len(s.Enum) > 0 {
		words = fmt.Sprintf("one of %q", s.Enum)
		words = strings.NewReplacer("[", "", "]", "", `" "`, `", "`).Replace(words)
	}
	if limits := s.limits(); limits != "" {
		words += ", " + limits
	}
	if s.Default != nil {
		words += fmt.Sprintf(", default %v", s.Default)
	}
	return kind{Before: words}
}

// limits are the bounds of a value in words.
func (s schema) limits() string {
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		return fmt.Sprintf("%v to %v", *s.Minimum, *s.Maximum)
	case s.Minimum != nil:
		return fmt.Sprintf("%v or more", *s.Minimum)
	case s.MaxLength != nil:
		return fmt.Sprintf("at most %d long", *s.MaxLength)
	}
	return ""
}
