package schema

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Breaks returns what a reader of from may trip over in data that conforms to to, one
// sentence for each place; nothing if the two are compatible. What is compatible:
// optional fields of objects and values of an enum are added, whole schemas are added,
// and annotations change. Anything else is reported, also what only a human could
// judge: a break that is meant needs a new event type.
func Breaks(from, to Set) []string {
	c := comparison{from: from, to: to, seen: map[string]bool{}}
	for _, id := range slices.Sorted(maps.Keys(from)) {
		now, ok := to[id]
		if !ok {
			c.report(id, "the schema was removed")
			continue
		}
		c.schema(id, place{from[id], map[string]any(from[id])}, place{now, map[string]any(now)})
	}
	return c.breaks
}

// comparison compares two sets, and collects what breaks.
type comparison struct {
	from, to Set
	// seen has the pairs of references that are compared already, or are being
	// compared, since schemas may refer to themselves.
	seen   map[string]bool
	breaks []string
}

// place is a node of a document.
type place struct {
	doc  Document
	node any
}

func (c *comparison) report(path, format string, args ...any) {
	c.breaks = append(c.breaks, path+": "+fmt.Sprintf(format, args...))
}

// annotations are the keywords without a meaning for what is valid. $defs are
// compared where they are referred to.
var annotations = []string{"$schema", "$id", "$defs", "$comment", "title", "description", "examples", "deprecated"}

func (c *comparison) schema(path string, from, to place) {
	before, beforeIsObject := from.node.(map[string]any)
	now, nowIsObject := to.node.(map[string]any)
	if !beforeIsObject || !nowIsObject {
		if !reflect.DeepEqual(from.node, to.node) {
			c.report(path, "was %v, and is %v", from.node, to.node)
		}
		return
	}
	if c.reference(path, from, to, before, now) {
		return
	}
	for _, keyword := range keywords(before, now) {
		c.keyword(path, keyword, from.doc, to.doc, before, now)
	}
}

// reference follows $ref on either side; done means that the targets were compared in
// the place of the nodes. What stands beside a $ref is compared as well.
func (c *comparison) reference(path string, from, to place, before, now map[string]any) (done bool) {
	_, fromHas := before["$ref"].(string)
	_, toHas := now["$ref"].(string)
	if !fromHas && !toHas {
		return false
	}
	// fmt prints maps in the order of their keys; what stands beside $ref is part of it.
	pair := fmt.Sprintf("%v|%v|%v|%v", before, now, from.doc["$id"], to.doc["$id"])
	if fromHas && toHas && c.seen[pair] {
		return true
	}
	c.seen[pair] = true
	fromTarget, fromOK := resolve(c.from, from, before)
	toTarget, toOK := resolve(c.to, to, now)
	if !fromOK || !toOK {
		c.report(path, "refers to what does not exist")
		return true
	}
	c.schema(path, fromTarget, toTarget)
	return true
}

// resolve returns what node refers to, with the keywords that stand beside $ref; node
// itself if it refers to nothing.
func resolve(set Set, at place, node map[string]any) (place, bool) {
	ref, has := node["$ref"].(string)
	if !has {
		return at, true
	}
	id, pointer, _ := strings.Cut(ref, "#")
	doc := at.doc
	if id != "" {
		var ok bool
		if doc, ok = set[id]; !ok {
			return place{}, false
		}
	}
	target := any(map[string]any(doc))
	for step := range strings.SplitSeq(strings.Trim(pointer, "/"), "/") {
		if step == "" {
			continue
		}
		parent, ok := target.(map[string]any)
		if !ok {
			return place{}, false
		}
		target = parent[step]
	}
	found, ok := target.(map[string]any)
	if !ok {
		return place{}, false
	}
	merged := maps.Clone(found)
	for keyword, value := range node {
		if keyword != "$ref" {
			merged[keyword] = value
		}
	}
	return place{doc, merged}, true
}

// keywords returns those of either side that have a meaning, in order.
func keywords(before, now map[string]any) []string {
	all := maps.Clone(before)
	maps.Copy(all, now)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(k string) bool { return slices.Contains(annotations, k) })
}

func (c *comparison) keyword(path, keyword string, fromDoc, toDoc Document, before, now map[string]any) {
	was, had := before[keyword]
	is, has := now[keyword]
	switch {
	case !had && keyword == "properties":
	case !had:
		c.report(path, "gained %s", keyword)
	case !has:
		c.report(path, "lost %s", keyword)
	case keyword == "properties":
		c.properties(path, fromDoc, toDoc, was, is)
	case keyword == "required":
		c.required(path, was, is)
	case keyword == "enum":
		c.values(path, was, is)
	case keyword == "items" || keyword == "additionalProperties":
		c.schema(path+"/"+keyword, place{fromDoc, was}, place{toDoc, is})
	case keyword == "oneOf" || keyword == "anyOf" || keyword == "allOf":
		c.alternatives(path+"/"+keyword, fromDoc, toDoc, was, is)
	case !reflect.DeepEqual(was, is):
		c.report(path, "%s was %v, and is %v", keyword, was, is)
	}
}

// properties may be added, but not removed.
func (c *comparison) properties(path string, fromDoc, toDoc Document, was, is any) {
	before, _ := was.(map[string]any)
	now, _ := is.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, ok := now[name]; !ok {
			c.report(path, "the field %s was removed", name)
			continue
		}
		c.schema(path+"/"+name, place{fromDoc, before[name]}, place{toDoc, now[name]})
	}
}

func (c *comparison) required(path string, was, is any) {
	before, now := texts(was), texts(is)
	for _, name := range before {
		if !slices.Contains(now, name) {
			c.report(path, "the field %s is no longer promised", name)
		}
	}
	for _, name := range now {
		if !slices.Contains(before, name) {
			c.report(path, "the field %s is required, which earlier data lacks", name)
		}
	}
}

// values may be added, but not removed.
func (c *comparison) values(path string, was, is any) {
	before, _ := was.([]any)
	now, _ := is.([]any)
	for _, value := range before {
		if !slices.ContainsFunc(now, func(v any) bool { return reflect.DeepEqual(v, value) }) {
			c.report(path, "the value %v was removed", value)
		}
	}
}

// alternatives are compared one by one, in their order.
func (c *comparison) alternatives(path string, fromDoc, toDoc Document, was, is any) {
	before, _ := was.([]any)
	now, _ := is.([]any)
	if len(before) != len(now) {
		c.report(path, "had %d alternatives, and has %d", len(before), len(now))
		return
	}
	for i := range before {
		c.schema(fmt.Sprintf("%s/%d", path, i), place{fromDoc, before[i]}, place{toDoc, now[i]})
	}
}

func texts(list any) (all []string) {
	values, _ := list.([]any)
	for _, v := range values {
		if s, ok := v.(string); ok {
			all = append(all, s)
		}
	}
	return all
}
