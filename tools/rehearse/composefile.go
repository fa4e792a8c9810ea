package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
)

const composeName = "docker-compose.yml"

// load reads docker-compose.yml of the folder root, and the files over it, with the
// services of the active profiles (COMPOSE_PROFILES). Its variables come from .env.example, then from the
// environment; .env is not read, whose alert webhook and keys are those of real use.
// A secret without a value gets a random one, which the file secrets keeps. With
// freePorts, a published port that the environment does not set is a free one, as is
// one set to 0.
func load(ctx context.Context, root string, over []string, secrets string, environ []string, freePorts bool) (*types.Project, error) {
	used, err := variables(ctx, root)
	if err != nil {
		return nil, err
	}
	values, err := dotenv.Read(filepath.Join(root, ".env.example"))
	if err != nil {
		return nil, fmt.Errorf("reading .env.example: %w", err)
	}
	if freePorts {
		for name := range values {
			if isPort(name) {
				values[name] = "0"
			}
		}
	}
	// It listens on loopback, and what runs on it calls the API without a credential.
	values["ORAK_AUTH"] = "none"
	maps.Copy(values, given(environ, values))
	if err := addSecrets(values, used, secrets); err != nil {
		return nil, err
	}
	if err := choosePorts(values); err != nil {
		return nil, err
	}
	var env []string
	for name, value := range values {
		env = append(env, name+"="+value)
	}
	options, err := cli.NewProjectOptions(append([]string{filepath.Join(root, composeName)}, over...), cli.WithWorkingDirectory(root),
		cli.WithEnv(env), cli.WithProfiles(strings.Split(values["COMPOSE_PROFILES"], ",")))
	if err != nil {
		return nil, fmt.Errorf("preparing to read %s: %w", composeName, err)
	}
	project, err := options.LoadProject(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", composeName, err)
	}
	return project, nil
}

// variables finds every ${VARIABLE} of the file.
func variables(ctx context.Context, root string) (map[string]template.Variable, error) {
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, composeName)}, cli.WithWorkingDirectory(root),
		cli.WithInterpolation(false), cli.WithNormalization(false), cli.WithConsistency(false))
	if err != nil {
		return nil, fmt.Errorf("preparing to read %s: %w", composeName, err)
	}
	model, err := options.LoadModel(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the variables of %s: %w", composeName, err)
	}
	return template.ExtractVariables(model, template.DefaultPattern), nil
}

// given is the part of the environment that sets one of the names.
func given(environ []string, names map[string]string) map[string]string {
	found := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if _, ok := names[name]; ok {
			found[name] = value
		}
	}
	return found
}

// addSecrets gives every required variable without a value the one in the file, or a
// new one, which it adds to the file.
func addSecrets(values map[string]string, used map[string]template.Variable, file string) error {
	kept, err := dotenv.Read(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the rehearsal's secrets: %w", err)
	}
	if kept == nil {
		kept = map[string]string{}
	}
	known := len(kept)
	for name, v := range used {
		if !v.Required || values[name] != "" {
			continue
		}
		if kept[name] == "" {
			kept[name] = rand.Text()
		}
		values[name] = kept[name]
	}
	if len(kept) == known {
		return nil
	}
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		fmt.Fprintf(&lines, "%s=%s\n", name, kept[name])
	}
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		return fmt.Errorf("keeping the rehearsal's secrets: %w", err)
	}
	return nil
}

func isPort(name string) bool { return strings.HasSuffix(name, "_PORT") }

// choosePorts replaces port 0 by a free port of 127.0.0.1. Some of these appear also in
// what a service advertises, and so must be known before it starts.
func choosePorts(values map[string]string) error {
	for name, value := range values {
		if !isPort(name) || value != "0" {
			continue
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("finding a free port: %w", err)
		}
		defer listener.Close() // at the end, so that no port is chosen twice
		values[name] = strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	}
	return nil
}
