package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// EnvPrefix begins the name of every environment variable that Load reads.
const EnvPrefix = "ORAK_"

// ErrHelp is returned by Load after it has printed the requested help. The
// program ends then, with success.
var ErrHelp = errors.New("help was shown")

// Options are what Load needs besides the struct. The zero value reads the
// environment of the process.
type Options struct {
	// Name and Description are the program's, for the help.
	Name        string
	Description string
	// Environ is the environment in the form of os.Environ; nil means that of
	// the process, and an empty slice none.
	Environ []string
	// Stdout takes the help; nil means os.Stdout.
	Stdout io.Writer
	// Warn gets what is suspicious but no error, such as an ORAK_ variable that
	// is not a setting: one sentence per call. Nil writes to os.Stderr.
	Warn func(string)
	// Known are variables that another program reads: they are not warned about.
	Known []string
	// Standalone reads the settings file that a standalone stack writes to its
	// data folder (ORAK_DATA_DIR, by default .orak). It has the lowest
	// priority, and is not read if a configuration file is named. Below it is the
	// user's login.
	Standalone bool
	// Kong are further options for kong, such as help texts.
	Kong []kong.Option
}

// Loaded is the result of Load.
type Loaded struct {
	// Context has the selected command and its arguments.
	Context *kong.Context
	// File is the path of the configuration file; empty if none was read.
	File string

	sources  map[string]Source
	resolver *resolver
}

// fileFlag is embedded into every command line.
type fileFlag struct {
	Config string `help:"YAML file with settings. Flags and environment variables override it." placeholder:"FILE"`
}

// Load fills target, a pointer to a struct with kong's tags, from args (the
// command line without the program's name), the environment, the file and the
// defaults. Every error except ErrHelp says what the user must fix.
func Load(args []string, target any, opts Options) (*Loaded, error) {
	r := newResolver(opts)
	app, err := newApp(target, r, opts)
	if err != nil {
		return nil, err
	}
	r.flags = settings(app.Model)
	r.warnUnknown(opts)

	ctx, err := parse(app, args)
	if err != nil {
		return nil, named(target, err)
	}
	if err := validate(ctx); err != nil {
		return nil, err
	}
	return &Loaded{Context: ctx, File: r.file.path, sources: r.sources, resolver: r}, nil
}

// Defaults fills target with the defaults of its tags and validates it.
func Defaults(target any) error {
	_, err := Load(nil, target, Options{Environ: []string{}, Warn: func(string) {}})
	return err
}

// MustDefaults returns the defaults of T's tags. It panics if they are not
// valid: that is an error in the source.
func MustDefaults[T any]() T {
	var v T
	if err := Defaults(&v); err != nil {
		panic(err)
	}
	return v
}

func newApp(target any, r *resolver, opts Options) (*kong.Kong, error) {
	stdout := opts.Stdout
	if stdout == nil {
		stdout = os.Stdout
	}
	all := []kong.Option{
		kong.Name(opts.Name),
		kong.Description(opts.Description),
		kong.Writers(stdout, io.Discard),
		kong.Exit(func(int) { panic(ErrHelp) }),
		kong.Embed(&fileFlag{}),
		kong.Resolvers(r),
		kong.ValueFormatter(describe),
		kong.AutoGroup(byPrefix),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.WithBeforeReset(refuseSecrets),
		kong.WithBeforeResolve(r.readFile),
	}
	app, err := kong.New(target, append(all, opts.Kong...)...)
	if err != nil {
		return nil, fmt.Errorf("describing the settings: %w", err)
	}
	return app, nil
}

// parse returns ErrHelp where kong would exit after printing the help.
func parse(app *kong.Kong, args []string) (ctx *kong.Context, err error) {
	defer func() {
		switch r := recover(); r {
		case nil:
		case ErrHelp:
			ctx, err = nil, ErrHelp
		default:
			panic(r)
		}
	}()
	return app.Parse(args)
}

// refuseSecrets returns an error for a secret among the arguments. kong calls
// it when it has parsed nothing else.
func refuseSecrets(ctx *kong.Context) error {
	for _, el := range ctx.Path {
		if el.Flag == nil || !isSecret(el.Flag) {
			continue
		}
		env := envName(el.Flag)
		return fmt.Errorf("--%s is a secret, and other users of this machine can read arguments: "+
			"set %s instead, or set %s to the path of a file that contains it", el.Flag.Name, env, env+fileSuffix)
	}
	return nil
}

// byPrefix groups the flags of an embedded Config in the help.
func byPrefix(_ kong.Visitable, f *kong.Flag) *kong.Group {
	if f.Tag.Prefix == "" {
		return nil
	}
	key := strings.TrimSuffix(f.Tag.Prefix, "-")
	return &kong.Group{Key: key, Title: key}
}

// describe returns the help of a flag.
func describe(v *kong.Value) string {
	if v.Flag == nil || !isSetting(v.Flag) {
		return v.Help
	}
	env := envName(v.Flag)
	if isSecret(v.Flag) {
		return fmt.Sprintf("%s [secret, not accepted as an argument: $%s or $%s]", v.Help, env, env+fileSuffix)
	}
	return fmt.Sprintf("%s [$%s]", v.Help, env)
}
