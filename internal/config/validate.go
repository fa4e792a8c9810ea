package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// validator is the interface that kong calls, too, for the structs that it sees.
type validator interface{ Validate() error }

// visitEmbedded calls visit for every validator among target and the structs
// embedded in it, with the prefix of its settings, until visit returns an
// error.
func visitEmbedded(target reflect.Value, prefix string, commands bool, visit func(string, validator) error) error {
	target = reflect.Indirect(target)
	if target.Kind() != reflect.Struct {
		return nil
	}
	t := target.Type()
	for i := range t.NumField() {
		field := t.Field(i)
		_, embedded := field.Tag.Lookup("embed")
		_, command := field.Tag.Lookup("cmd")
		if !embedded && !field.Anonymous && !(command && commands) {
			continue
		}
		inner := prefix + field.Tag.Get("prefix")
		if err := visitEmbedded(target.Field(i), inner, commands, visit); err != nil {
			return err
		}
	}
	if !target.CanAddr() || !target.Addr().CanInterface() {
		return nil
	}
	if v, ok := target.Addr().Interface().(validator); ok {
		return visit(prefix, v)
	}
	return nil
}

// validate calls the Validate methods that kong does not see: those of structs
// that are embedded through an unexported one.
func validate(ctx *kong.Context) error {
	for _, el := range ctx.Path {
		node := el.Node()
		if el.Flag != nil || el.Positional != nil || node == nil {
			continue
		}
		err := visitEmbedded(node.Target, "", false, func(prefix string, v validator) error {
			return about(prefix, v.Validate())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// named adds the prefix of the settings to an error that kong got from a
// Validate method: a Config does not know the prefix with which it is embedded.
// It returns other errors as they are.
func named(target any, found error) error {
	err := visitEmbedded(reflect.ValueOf(target), "", true, func(prefix string, v validator) error {
		if err := v.Validate(); err != nil && prefix != "" && strings.HasSuffix(found.Error(), err.Error()) {
			return about(prefix, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return found
}

func about(prefix string, err error) error {
	if err == nil || prefix == "" {
		return err
	}
	return fmt.Errorf("settings %s…: %w", prefix, err)
}
