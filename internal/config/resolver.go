package config

import (
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// resolver answers for the flags that are not on the command line. kong's own
// reading of the environment is not used: there, a file would win over it.
type resolver struct {
	env     map[string]string
	flags   []*kong.Flag
	sources map[string]Source
	file    file
	// standalone holds the settings that a standalone stack left.
	standalone file
	opts       Options
	read       bool
}

var _ kong.Resolver = (*resolver)(nil)

func newResolver(opts Options) *resolver {
	environ := opts.Environ
	if environ == nil {
		environ = os.Environ()
	}
	r := &resolver{env: map[string]string{}, sources: map[string]Source{}, opts: opts}
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if ok && strings.HasPrefix(name, EnvPrefix) {
			r.env[name] = value
		}
	}
	return r
}

// Validate implements kong.Resolver; the file is checked as it is read.
func (r *resolver) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver.
func (r *resolver) Resolve(_ *kong.Context, _ *kong.Path, f *kong.Flag) (any, error) {
	if !isSetting(f) {
		return nil, nil
	}
	value, from, err := r.lookupEnv(f)
	source := SourceEnv
	if err == nil && from == "" {
		value, from = r.file.lookup(f)
		source = SourceFile
	}
	if err == nil && from == "" {
		value, from = r.standalone.lookup(f)
		source = SourceStandalone
	}
	if err != nil || from == "" {
		return nil, err
	}
	if err := tryDecode(f, value); err != nil {
		return nil, fmt.Errorf("set by %s: %w", from, err)
	}
	r.sources[f.Name] = source
	return value, nil
}

// lookupEnv also tells which variable the value is from; none where that is
// empty. A variable that is set and empty counts as not set, since that is
// what container tools make of one that nobody gave.
func (r *resolver) lookupEnv(f *kong.Flag) (value, from string, err error) {
	name := envName(f)
	value = r.env[name]
	if !isSecret(f) {
		if value == "" {
			return "", "", nil
		}
		return value, name, nil
	}
	path := r.env[name+fileSuffix]
	switch {
	case path == "" && value == "":
		return "", "", nil
	case path == "":
		return value, name, nil
	case value != "":
		return "", "", fmt.Errorf("both %s and %s are set: keep one", name, name+fileSuffix)
	}
	secret, err := os.ReadFile(path)
	if err != nil {
		return "", "", fmt.Errorf("reading the file of %s: %w", name+fileSuffix, err)
	}
	return strings.TrimRight(string(secret), "\r\n"), name + fileSuffix, nil
}

// readFile is a hook of kong's, which runs it once for every part of the
// command line.
func (r *resolver) readFile(ctx *kong.Context) error {
	if r.read {
		return nil
	}
	r.read = true
	path := r.env[EnvPrefix+"CONFIG"]
	for _, el := range ctx.Path {
		if el.Flag != nil && el.Flag.Name == configFlag {
			path, _ = ctx.FlagValue(el.Flag).(string)
		}
	}
	if path == "" {
		return r.readStandalone(r.opts)
	}
	f, err := readFile(path, r.flags)
	if err != nil {
		return err
	}
	r.file = f
	return nil
}

// tryDecode parses the value as kong is going to, so that the error can say
// where the value is from. A secret's error does not show it.
func tryDecode(f *kong.Flag, value string) error {
	scratch := reflect.New(f.Target.Type()).Elem()
	if scratch.Kind() == reflect.Pointer {
		scratch.Set(reflect.New(scratch.Type().Elem()))
	}
	scan := kong.Scan().PushTyped(value, kong.FlagValueToken)
	err := f.Mapper.Decode(&kong.DecodeContext{Value: f.Value, Scan: scan}, scratch)
	if err != nil && isSecret(f) {
		return fmt.Errorf("not a valid value")
	}
	return err
}

// testPrefix begins the variables that tests read.
const testPrefix = EnvPrefix + "TEST_"

// warnUnknown tells of every ORAK_ variable that no setting reads: a misspelt
// one would otherwise leave its setting at the default without a word.
func (r *resolver) warnUnknown(opts Options) {
	known := append([]string{EnvPrefix + "CONFIG"}, opts.Known...)
	for _, f := range r.flags {
		known = append(known, envName(f))
		if isSecret(f) {
			known = append(known, envName(f)+fileSuffix)
		}
	}
	for _, name := range unknown(r.env, known) {
		if strings.HasPrefix(name, testPrefix) {
			continue
		}
		text := fmt.Sprintf("the environment variable %s is not a setting and was ignored", name)
		if near := nearest(name, known); near != "" {
			text += fmt.Sprintf("; did you mean %s?", near)
		}
		warn(opts, text)
	}
}

func warn(opts Options, text string) {
	if opts.Warn != nil {
		opts.Warn(text)
		return
	}
	fmt.Fprintln(os.Stderr, "warning: "+text)
}
