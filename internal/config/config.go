package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// EnvPrefix begins the name of every environment variable that is read.
const EnvPrefix = "ORAK_"

// ErrHelp is returned by Load after the help that was asked for has been
// written: there is nothing more to do, and nothing went wrong.
var ErrHelp = errors.New("help was shown")

// Options are what Load needs besides the struct. The zero value is right for
// the process's own arguments and environment.
type Options struct {
	// Name and Description head the help.
	Name        string
	Description string
	// Environ is the environment as os.Environ gives it; nil means the
	// process's own, and an empty slice none at all.
	Environ []string
	// Stdout takes the help; nil means os.Stdout.
	Stdout io.Writer
	// Warn is told, one sentence a call, of what is suspicious and yet no
	// error: an ORAK_ variable that nobody reads. Nil writes to os.Stderr.
	Warn func(string)
	// Known are further variables that somebody else reads.
	Known []string
	// Standalone reads the settings that a standalone stack left in its data
	// folder (ORAK_DATA_DIR, by default .orak), so that the commands beside it
	// need none. Everything else that names a setting wins over them, and with
	// a configuration file they are not read.
	Standalone bool
	// Kong are further options, such as its help texts.
	Kong []kong.Option
}

// Loaded is what was read, and from where.
type Loaded struct {
	// Context knows the selected command and its arguments.
	Context *kong.Context
	// File is the path of the configuration file that was read; it may be
	// empty.
	File string

	sources map[string]Source
}

// fileFlag is embedded into every command line.
type fileFlag struct {
	Config string `help:"YAML file with settings. A flag and an environment variable win over it." placeholder:"FILE"`
}

// Load fills target, a pointer to a struct with kong's tags, from args (the
// command line without the program's name), the environment, the file and the
// defaults. Every error is the caller's to mend and says how; ErrHelp is none.
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
	return &Loaded{Context: ctx, File: r.file.path, sources: r.sources}, nil
}

// Defaults fills target with the defaults of its tags, and validates them.
func Defaults(target any) error {
	_, err := Load(nil, target, Options{Environ: []string{}, Warn: func(string) {}})
	return err
}

// MustDefaults returns the defaults of T's tags. It panics where they are not
// valid, which is a mistake in the source.
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

// parse turns kong's exit, which only its help asks for, into ErrHelp.
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

// refuseSecrets runs when only the arguments have been looked at.
func refuseSecrets(ctx *kong.Context) error {
	for _, el := range ctx.Path {
		if el.Flag == nil || !isSecret(el.Flag) {
			continue
		}
		env := envName(el.Flag)
		return fmt.Errorf("--%s is a secret, and other users of this machine can read arguments: "+
			"set %s, or %s to the path of a file that holds it", el.Flag.Name, env, env+fileSuffix)
	}
	return nil
}

// byPrefix groups the flags of each embedded Config in the help.
func byPrefix(_ kong.Visitable, f *kong.Flag) *kong.Group {
	if f.Tag.Prefix == "" {
		return nil
	}
	key := strings.TrimSuffix(f.Tag.Prefix, "-")
	return &kong.Group{Key: key, Title: key}
}

// describe is what the help says of a flag.
func describe(v *kong.Value) string {
	if v.Flag == nil || !isSetting(v.Flag) {
		return v.Help
	}
	env := envName(v.Flag)
	if isSecret(v.Flag) {
		return fmt.Sprintf("%s [secret, never as an argument: $%s or $%s]", v.Help, env, env+fileSuffix)
	}
	return fmt.Sprintf("%s [$%s]", v.Help, env)
}
