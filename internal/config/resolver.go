package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// resolver gives kong the values of flags that are not on the command line. It
// replaces kong's reading of the environment, over which a file would win.
type resolver struct {
	env     map[string]string
	flags   []*kong.Flag
	sources map[string]Source
	file    file
	// standalone has the settings that a standalone stack wrote.
	standalone file
	// login has the server of orak login, and loginPath says where it is from.
	login     Login
	loginPath string
	opts      Options
	read      bool
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

// Validate implements kong.Resolver. The file is checked when it is read.
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
	if err == nil && from == "" && f.Name == serverFlag && r.login.Server != "" {
		value, from = r.login.Server, r.loginPath
		source = SourceLogin
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

// lookupEnv returns a value and the variable it is from, which is empty if there
// is none. An empty variable counts as not set, since container tools pass
// variables without a value that way.
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
	if f.Tag.Get("secret") == private {
		if err := checkPrivate(path); err != nil {
			return "", "", fmt.Errorf("the file of %s: %w", name+fileSuffix, err)
		}
	}
	secret, err := os.ReadFile(path)
	if err != nil {
		return "", "", fmt.Errorf("reading the file of %s: %w", name+fileSuffix, err)
	}
	return strings.TrimRight(string(secret), "\r\n"), name + fileSuffix, nil
}

// private is the value of the tag secret of those whose file nobody else may read.
const private = "private"

// checkPrivate returns an error for a file that others may read. Its group may:
// Kubernetes mounts secrets for a group (fsGroup).
func checkPrivate(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o037 != 0 {
		return fmt.Errorf("%s must be readable by nobody else (chmod 600)", path)
	}
	return nil
}

// readFile is a hook that kong calls for every part of the command line; it
// reads the file at the first call.
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
		if err := r.readStandalone(r.opts); err != nil || !r.opts.Standalone {
			return err
		}
		return r.readLogin(r.opts)
	}
	f, err := readFile(path, r.flags)
	if err != nil {
		return err
	}
	r.file = f
	return nil
}

// tryDecode parses the value as kong does later, so that the error can name the
// source of the value. For a secret the error does not contain the value.
func tryDecode(f *kong.Flag, value string) error {
	scratch := reflect.New(f.Target.Type()).Elem()
	if scratch.Kind() == reflect.Pointer {
		scratch.Set(reflect.New(scratch.Type().Elem()))
	}
	scan := kong.Scan().PushTyped(value, kong.FlagValueToken)
	err := f.Mapper.Decode(&kong.DecodeContext{Value: f.Value, Scan: scan}, scratch)
	if err != nil && isSecret(f) {
		return errors.New("not a valid value")
	}
	return err
}

// testPrefix begins the names of variables that tests read.
const testPrefix = EnvPrefix + "TEST_"

// warnUnknown warns of every ORAK_ variable that is not a setting: the setting
// meant by a misspelt one would silently keep its default.
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
