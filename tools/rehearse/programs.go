package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/compose-spec/compose-go/v2/types"
)

// program says how the program of an image runs here: it sets a service's argv, and
// what else the image brings along. vars and command are the service's, translated; vars may be changed.
type program func(s *service, vars map[string]string, command []string) error

// programs has the program of each image by its name without a tag.
var programs = map[string]program{
	"apache/kafka":           kafka,
	"postgres":               postgres,
	"temporalio/server":      temporalServer,
	"temporalio/admin-tools": temporalTools,
	"temporalio/ui":          temporalUI,
	"versity/versitygw":      versitygw,
}

// programOf finds the program of a service's image. The images that this repository
// builds are known by their folder, since their names are variables.
func programOf(s types.ServiceConfig) (program, error) {
	if s.Build != nil {
		if filepath.Base(s.Build.Context) == "modelserver" {
			return modelServer, nil
		}
		return orak, nil
	}
	name, _ := splitImage(s.Image)
	p, ok := programs[name]
	if !ok {
		return nil, fmt.Errorf("no program is known for the image %s (tools/rehearse/programs.go)", s.Image)
	}
	return p, nil
}

// splitImage separates an image's name from its tag.
func splitImage(image string) (name, tag string) {
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		return image[:i], image[i+1:]
	}
	return image, ""
}

func orak(s *service, _ map[string]string, command []string) error {
	s.argv = append([]string{s.places.orak}, command...)
	return s.setProbe(nil)
}

func modelServer(s *service, vars map[string]string, command []string) error {
	dir := filepath.Join(s.places.root, "modelserver")
	s.argv = append([]string{filepath.Join(dir, ".venv", "bin", "python"), "-m", "server"}, command...)
	vars["PYTHONPATH"] = dir
	vars["ORT_DISABLE_TELEMETRY"], vars["PYTHONDONTWRITEBYTECODE"], vars["PYTHONUNBUFFERED"] = "1", "1", "1"
	return s.setProbe([]string{"CMD", "healthcheck", "8090"})
}

func versitygw(s *service, _ map[string]string, command []string) error {
	s.argv = append([]string{"versitygw"}, command...)
	return s.setProbe(nil)
}

// temporalServer reads its configuration from the environment, by the template in its
// binary.
func temporalServer(s *service, _ map[string]string, _ []string) error {
	s.argv = []string{"temporal-server", "start"}
	return s.setProbe(nil)
}

// temporalTools has the schema files of the module that its tools are built from.
func temporalTools(s *service, vars map[string]string, command []string) error {
	_, version := splitImage(s.Image)
	schema := filepath.Join(s.folder, "schema")
	vars["TEMPORAL_SCHEMAS"] = filepath.Join(schema, "postgresql", "v12")
	s.argv = command
	s.prepare = func(ctx context.Context) error {
		return s.copyOfModule(ctx, "go.temporal.io/server@v"+version, "schema", schema)
	}
	return s.setProbe(nil)
}

func temporalUI(s *service, _ map[string]string, _ []string) error {
	_, version := splitImage(s.Image)
	s.argv = []string{"temporal-ui", "--env", "docker", "start"}
	s.prepare = func(ctx context.Context) error {
		config := filepath.Join(s.folder, "config")
		if err := s.copyOfModule(ctx, "github.com/temporalio/ui-server/v2@v"+version, "config", config); err != nil {
			return err
		}
		// The image's configuration listens on every address.
		path := filepath.Join(config, "docker.yaml")
		content, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading the Web UI's configuration: %w", err)
		}
		return s.write(path, string(content)+"\nhost: "+s.address+"\n")
	}
	return s.setProbe(nil)
}

// copyOfModule copies a folder of a Go module, replacing an earlier copy.
func (s *service) copyOfModule(ctx context.Context, module, folder, to string) error {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	cmd.Dir = s.folder
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("finding %s: %w\n%s", module, err, out)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(out, &found); err != nil {
		return fmt.Errorf("finding %s: %w", module, err)
	}
	if err := os.RemoveAll(to); err != nil {
		return fmt.Errorf("replacing a copy: %w", err)
	}
	if err := os.CopyFS(to, os.DirFS(filepath.Join(found.Dir, folder))); err != nil {
		return fmt.Errorf("copying %s of %s: %w", folder, module, err)
	}
	return nil
}

// write writes a file that the service reads.
func (s *service) write(path, content string) error {
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return fmt.Errorf("writing a file of %s: %w", s.Name, err)
	}
	return s.places.user.own(path)
}

// once runs a program to its end, as the service's user.
func (s *service) once(ctx context.Context, stdin string, argv []string) error {
	cmd, err := s.command(ctx, argv)
	if err != nil {
		return err
	}
	cmd.Stdin = strings.NewReader(stdin)
	cmd.SysProcAttr.Pdeathsig = 0 // it is short, and started from any thread: see spawner
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running %s: %w\n%s", filepath.Base(argv[0]), err, out)
	}
	return nil
}

// postgres does what the image's entrypoint does: it makes a cluster and the user's
// database in an empty folder. The password goes by a file, never by an argument.
func postgres(s *service, vars map[string]string, command []string) error {
	data := s.translation.paths["/var/lib/postgresql/data"]
	name, password := vars["POSTGRES_USER"], vars["POSTGRES_PASSWORD"]
	if data == "" || name == "" || password == "" {
		return errors.New("PostgreSQL needs its volume, POSTGRES_USER and POSTGRES_PASSWORD")
	}
	bin, err := postgresPrograms()
	if err != nil {
		return err
	}
	s.argv = append([]string{filepath.Join(bin, "postgres"), "-D", data, "-c", "listen_addresses=" + s.address, "-c", "unix_socket_directories="}, command...)
	s.stop = syscall.SIGINT // the image's: close connections and end
	s.tidy = func(ctx context.Context) error {
		if err := removeEmpty(filepath.Join(data, "postmaster.pid")); err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); err == nil {
			return nil
		}
		secret := filepath.Join(s.folder, "password")
		if err := s.write(secret, password); err != nil {
			return err
		}
		defer os.Remove(secret)
		err := s.once(ctx, "", []string{filepath.Join(bin, "initdb"), "--pgdata", data, "--username", name, "--pwfile", secret,
			"--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"})
		if err != nil {
			return err
		}
		return s.once(ctx, fmt.Sprintf("CREATE DATABASE %q;\n", name), []string{filepath.Join(bin, "postgres"), "--single", "-D", data, "postgres"})
	}
	return s.setProbe(nil)
}

// removeEmpty removes a lock file of PostgreSQL that is empty. A kill between its
// creation and its first byte leaves one, and PostgreSQL never starts again on it. That
// is rare, except where each start is killed at once; docs/runbooks/outages.md has what
// an operator does.
func removeEmpty(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("looking at a lock file: %w", err)
	case info.Size() > 0:
		return nil
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("removing an empty lock file: %w", err)
	}
	return nil
}

// postgresPrograms finds the newest PostgreSQL, which Debian keeps out of PATH.
func postgresPrograms() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", fmt.Errorf("finding PostgreSQL: %w", err)
	}
	if len(found) == 0 {
		path, err := exec.LookPath("initdb")
		if err != nil {
			return "", fmt.Errorf("finding PostgreSQL (on Debian: apt-get install postgresql): %w", err)
		}
		return filepath.Dir(path), nil
	}
	return filepath.Dir(slices.Max(found)), nil
}

// kafka does what the image's scripts do: KAFKA_ variables become server.properties,
// and an empty folder is formatted.
func kafka(s *service, vars map[string]string, _ []string) error {
	_, version := splitImage(s.Image)
	jars := filepath.Join(s.places.bin, "kafka-"+version)
	file := filepath.Join(s.folder, "server.properties")
	log4j := filepath.Join(s.folder, "log4j2.properties")
	java := func(class string, args ...string) []string {
		argv := append([]string{"java"}, strings.Fields(vars["KAFKA_HEAP_OPTS"])...)
		argv = append(argv, "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:+ExplicitGCInvokesConcurrent", "-Djava.awt.headless=true",
			"-Dlog4j2.configurationFile="+log4j, "-cp", filepath.Join(jars, "*"), class)
		return append(argv, args...)
	}
	s.argv = java("kafka.Kafka", file)
	s.prepare = func(ctx context.Context) error {
		if _, err := os.Stat(jars); err != nil {
			return fmt.Errorf("finding Kafka's jars: %w", err)
		}
		config, err := os.ReadFile(filepath.Join(s.places.root, "deploy", "kafka", "log4j2.properties"))
		if err != nil {
			return fmt.Errorf("reading Kafka's log configuration: %w", err)
		}
		return errors.Join(s.write(log4j, string(config)), s.write(file, properties(vars)))
	}
	s.tidy = func(ctx context.Context) error {
		if _, err := os.Stat(filepath.Join(vars["KAFKA_LOG_DIRS"], "meta.properties")); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return s.once(ctx, "", java("kafka.tools.StorageTool", "format", "--cluster-id", vars["CLUSTER_ID"], "--config", file))
	}
	return s.setProbe(nil)
}

// properties turns KAFKA_ variables into server.properties, by the rules of the image:
// _ is a dot, __ an underscore, ___ a hyphen.
func properties(vars map[string]string) string {
	name := strings.NewReplacer("___", "-", "__", "_", "_", ".")
	var lines []string
	for variable, value := range vars {
		key, ok := strings.CutPrefix(variable, "KAFKA_")
		if !ok || strings.HasSuffix(key, "OPTS") {
			continue
		}
		lines = append(lines, name.Replace(strings.ToLower(key))+"="+value+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}
