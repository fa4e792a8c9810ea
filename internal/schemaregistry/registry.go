// Package schemaregistry registers the schemas of orak's events with a schema
// registry that speaks Confluent's HTTP API (Confluent's own, Karapace, Apicurio,
// Redpanda), for those who look for schemas there.
//
// Events are plain JSON: they carry no schema id of a registry, and nothing in orak
// reads from one. So a registry that is unavailable delays no upload.
package schemaregistry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"orak/events/schema"
)

// Config are the settings of the registry.
type Config struct {
	URL      string `help:"URL of a schema registry with Confluent's HTTP API, with which the schemas of the events are registered at start; empty means none. Events do not depend on it." name:"url"`
	User     string `help:"User for the schema registry; empty means no authentication."`
	Password string `help:"Password for the schema registry." secret:""`
}

// Validate returns an error for the first setting that is invalid.
func (c Config) Validate() error {
	if c.URL == "" {
		return nil
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return errors.New("schema registry url: want http:// or https:// and a host, without a user")
	}
	if (c.User == "") != (c.Password == "") {
		return errors.New("schema registry user and password: want both or neither")
	}
	return nil
}

// ErrRefused means that the registry refuses a schema, for example because it judges it
// incompatible with an earlier version. Trying again does not help.
var ErrRefused = errors.New("the schema registry refuses a schema")

// timeout bounds one request.
const timeout = 10 * time.Second

// Subject returns the subject of a schema: "orak." and the name.
func Subject(name string) string { return "orak." + name }

// Register registers today's schemas of the events' data and of what they refer to, each
// as a new version of its subject unless it is there already, and sets the subjects to
// BACKWARD_TRANSITIVE first. It may be repeated. An error is ErrRefused, or may pass.
func Register(ctx context.Context, cfg Config, log *slog.Logger) error {
	set, err := schema.Today()
	if err != nil {
		return err
	}
	client, err := newClient(cfg)
	if err != nil {
		return err
	}
	r := registration{client: client, set: set, done: map[string]int{}}
	for _, name := range []string{schema.Received, schema.Cancellation, schema.Erasure, schema.Lifecycle} {
		if err := r.register(ctx, name); err != nil {
			return err
		}
	}
	log.InfoContext(ctx, "schemas of the events are registered", "subjects", slices.Sorted(maps.Keys(r.done)))
	return nil
}

func newClient(cfg Config) (*sr.Client, error) {
	opts := []sr.ClientOpt{sr.URLs(cfg.URL), sr.HTTPClient(&http.Client{Timeout: timeout}), sr.UserAgent("orak")}
	if cfg.User != "" {
		opts = append(opts, sr.BasicAuth(cfg.User, cfg.Password))
	}
	client, err := sr.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("schema registry: %w", err)
	}
	return client, nil
}

// registration is one run of Register.
type registration struct {
	client *sr.Client
	set    schema.Set
	// done has the versions of the registered subjects.
	done map[string]int
}

// register registers a schema after those that it refers to.
func (r registration) register(ctx context.Context, name string) error {
	subject := Subject(name)
	if _, done := r.done[subject]; done {
		return nil
	}
	text, err := schema.Text(name)
	if err != nil {
		return fmt.Errorf("reading schema %s: %w", name, err)
	}
	one := sr.Schema{Schema: string(text), Type: sr.TypeJSON}
	for _, id := range r.set[schema.ID(name)].References() {
		other := strings.TrimPrefix(id, schema.ID(""))
		if err := r.register(ctx, other); err != nil {
			return err
		}
		one.References = append(one.References, sr.SchemaReference{Name: id, Subject: Subject(other), Version: r.done[Subject(other)]})
	}
	for _, result := range r.client.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatBackwardTransitive}, subject) {
		if result.Err != nil {
			return failed(subject, result.Err)
		}
	}
	created, err := r.client.CreateSchema(ctx, subject, one)
	if err != nil {
		return failed(subject, err)
	}
	r.done[subject] = created.Version
	return nil
}

// failed distinguishes a refusal from a failure that may pass.
func failed(subject string, err error) error {
	var answer *sr.ResponseError
	if errors.As(err, &answer) && (answer.StatusCode == http.StatusConflict || answer.StatusCode == http.StatusUnprocessableEntity) {
		return fmt.Errorf("%w (%s): %s", ErrRefused, subject, answer.Message)
	}
	return fmt.Errorf("registering schema %s: %w", subject, err)
}
