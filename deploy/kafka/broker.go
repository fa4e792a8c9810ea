package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"orak/test/stack"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"text/template"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	//go:embed pom.xml
	pom []byte
	//go:embed server.properties
	serverProperties string
	//go:embed log4j2.properties
	log4j []byte

	versionInPOM = regexp.MustCompile(`<artifactId>kafka_2\.13</artifactId>\s*<version>([^<]+)</version>`)
)

// readyWithin bounds the broker's own start; fetching its jars is not counted.
const readyWithin = 2 * time.Minute

// Config has the broker's address and the folder of its jars.
type Config struct {
	Address string    // loopback host:port; port 0 takes a free one
	Jars    string    // folder; gets a sub-folder for each version
	Log     io.Writer // gets a line before a long download
}

// Broker is a running Apache Kafka node. It must be stopped.
type Broker struct {
	Address string // host:port that clients dial
	Version string

	dir   string
	child *stack.Child
}

// Start fetches the broker's jars unless they are here, formats a storage
// folder, starts the broker and returns once it answers a client. After an
// error nothing is left except the jars.
func Start(ctx context.Context, cfg Config) (_ *Broker, err error) {
	jars, err := fetchJars(ctx, jarsFolder(cfg.Jars), cfg.Log)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "orak-kafka-")
	if err != nil {
		return nil, fmt.Errorf("making the broker's folder: %w", err)
	}
	b := &Broker{Version: version(), dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if b.Address, err = configure(dir, cfg.Address); err != nil {
		return nil, err
	}
	if err := format(ctx, jars, dir); err != nil {
		return nil, err
	}
	if err := b.launch(jars); err != nil {
		return nil, err
	}
	if err := b.awaitReady(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("waiting for the broker: %w\n%s", err, b.Tail()), b.Stop())
	}
	return b, nil
}

// version is Kafka's, from pom.xml.
func version() string { return string(versionInPOM.FindSubmatch(pom)[1]) }

// jarsFolder is the folder of this version's jars in the folder of all versions.
func jarsFolder(all string) string { return filepath.Join(all, "kafka-"+version()) }

// fetchJars fills dir with Maven, once. The folder gets its name only when it is
// complete, so that a partial download is never used.
func fetchJars(ctx context.Context, dir string, log io.Writer) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding the jars' folder: %w", err)
	}
	// What was fetched for an earlier pom.xml lacks the last of the jars.
	if _, err := os.Stat(filepath.Join(dir, "kafka-tools-"+version()+".jar")); err == nil {
		return dir, nil
	}
	for _, program := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", fmt.Errorf("finding %s (on Debian: apt-get install openjdk-17-jre-headless maven): %w", program, err)
		}
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("making the jars' folder: %w", err)
	}
	partial, err := os.MkdirTemp(filepath.Dir(dir), ".kafka-")
	if err != nil {
		return "", fmt.Errorf("making the jars' folder: %w", err)
	}
	defer os.RemoveAll(partial) // already renamed after success
	project := filepath.Join(partial, "pom.xml")
	if err := os.WriteFile(project, pom, 0o644); err != nil {
		return "", fmt.Errorf("writing the Maven project: %w", err)
	}
	fmt.Fprintln(log, "fetching Apache Kafka's jars with Maven (about 45 MB, once)")
	cmd := exec.CommandContext(ctx, "mvn", "--batch-mode", "--quiet", "--file", project,
		"org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies", "-DoutputDirectory="+partial)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("fetching jars: %w\n%s", err, out)
	}
	// Also for a broker that runs as another user.
	if err := os.Chmod(partial, 0o755); err != nil {
		return "", fmt.Errorf("opening the jars' folder to all: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("replacing earlier jars: %w", err)
	}
	if err := os.Rename(partial, dir); err != nil {
		return "", fmt.Errorf("naming the jars' folder: %w", err)
	}
	return dir, nil
}

// configure writes the broker's two configuration files and returns the
// address it will listen on.
func configure(dir, address string) (string, error) {
	broker, err := freeAddress(address)
	if err != nil {
		return "", err
	}
	controller, err := freeAddress("127.0.0.1:0")
	if err != nil {
		return "", err
	}
	properties, err := render(broker, controller, dir)
	if err != nil {
		return "", err
	}
	for name, content := range map[string][]byte{"server.properties": properties, "log4j2.properties": log4j} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return "", fmt.Errorf("writing the broker's configuration: %w", err)
		}
	}
	return broker, nil
}

// render fills in server.properties. A value missing from it is an error.
func render(broker, controller, dir string) ([]byte, error) {
	t, err := template.New("server.properties").Option("missingkey=error").Parse(serverProperties)
	if err != nil {
		return nil, fmt.Errorf("reading server.properties: %w", err)
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]string{"Broker": broker, "Controller": controller, "Dir": dir})
	if err != nil {
		return nil, fmt.Errorf("filling in server.properties: %w", err)
	}
	return out.Bytes(), nil
}

// freeAddress resolves port 0 to a free port. Another process may take the
// port before the broker does; Start then fails.
func freeAddress(address string) (string, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// java prepares a command that runs one of Kafka's main classes.
func java(jars, dir, class string, args ...string) *exec.Cmd {
	cmd := exec.Command("java", append([]string{
		"-Xms128m", "-Xmx512m", // a test broker beside tests on a small machine
		"-XX:+UseSerialGC",        // two cores: no parallel collectors
		"-XX:TieredStopAtLevel=1", // it lives for minutes: no second compiler, which takes a core
		"-Dlog4j2.configurationFile=" + filepath.Join(dir, "log4j2.properties"),
		"-cp", filepath.Join(jars, "*"),
		class,
	}, args...)...)
	// Its own process group: Ctrl-C reaches only this process, which then stops it
	// in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// format prepares the storage folder as a new cluster of one.
func format(ctx context.Context, jars, dir string) error {
	cmd := java(jars, dir, "kafka.tools.StorageTool", "format", "--standalone",
		"--cluster-id", "orakorakorakorakorakoA", // any 16 bytes in base64url
		"--config", filepath.Join(dir, "server.properties"))
	if err := ctx.Err(); err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("formatting the broker's storage: %w\n%s", err, out)
	}
	return nil
}

func (b *Broker) launch(jars string) (err error) {
	cmd := java(jars, b.dir, "kafka.Kafka", filepath.Join(b.dir, "server.properties"))
	b.child, err = stack.Run(cmd, func(string) bool { return false })
	return err
}

// awaitReady returns when the broker has answered a metadata request, which
// it does only once it is registered with its controller.
func (b *Broker) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Address))
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	defer client.Close()
	for {
		attempt, done := context.WithTimeout(ctx, 2*time.Second)
		err := client.Ping(attempt)
		done()
		if err == nil {
			return nil
		}
		select {
		case <-b.child.Exited():
			return errors.New("the broker ended while starting")
		case <-ctx.Done():
			return fmt.Errorf("%w; last answer: %w", ctx.Err(), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Exited is closed once the broker's process has ended.
func (b *Broker) Exited() <-chan struct{} { return b.child.Exited() }

// Tail returns the end of the broker's log, at most 4 KiB.
func (b *Broker) Tail() string {
	log := b.child.Output()
	return log[max(0, len(log)-4096):]
}

// Stop lets the broker close its logs, kills it after stopWithin, and removes its
// folder. It may be called more than once.
func (b *Broker) Stop() error {
	_ = b.child.End(syscall.SIGTERM, stopWithin) // a JVM that is asked to end always reports an error
	if err := os.RemoveAll(b.dir); err != nil {
		return fmt.Errorf("removing the broker's folder: %w", err)
	}
	return nil
}
