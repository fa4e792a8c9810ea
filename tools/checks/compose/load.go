package compose

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
)

// secret stands for a value that .env.example leaves to the user.
const secret = "chosen-by-the-user"

// Deployment is the input of the rules.
type Deployment struct {
	Dir       string         // folder of docker-compose.yml
	Project   *types.Project // interpolated as with a filled-in .env.example
	Variables map[string]template.Variable
	Example   map[string]string // .env.example as it is
	Settings  map[string]bool   // ORAK_ variables of docs/configuration.md
}

var setting = regexp.MustCompile(`\bORAK_[A-Z0-9_]+\b`)

// Load reads docker-compose.yml with the given override files, .env.example and
// docs/configuration.md of a folder. It contains the services of every profile. A file that docker compose would refuse is an error.
func Load(ctx context.Context, dir string, over ...string) (*Deployment, error) {
	example, err := dotenv.Read(filepath.Join(dir, ".env.example"))
	if err != nil {
		return nil, fmt.Errorf("reading .env.example: %w", err)
	}
	project, err := loadProject(ctx, dir, filled(example), over...)
	if err != nil {
		return nil, err
	}
	variables, err := loadVariables(ctx, dir)
	if err != nil {
		return nil, err
	}
	reference, err := os.ReadFile(filepath.Join(dir, "docs", "configuration.md"))
	if err != nil {
		return nil, fmt.Errorf("reading the reference of settings: %w", err)
	}
	settings := map[string]bool{}
	for _, name := range setting.FindAllString(string(reference), -1) {
		settings[name] = true
	}
	return &Deployment{Dir: dir, Project: project, Variables: variables, Example: example, Settings: settings}, nil
}

// filled is .env.example with a stand-in for every empty secret.
func filled(example map[string]string) []string {
	var env []string
	for name, value := range example {
		if value == "" {
			value = secret
		}
		env = append(env, name+"="+value)
	}
	return env
}

func loadProject(ctx context.Context, dir string, env []string, over ...string) (*types.Project, error) {
	files := []string{filepath.Join(dir, "docker-compose.yml")}
	for _, name := range over {
		files = append(files, filepath.Join(dir, filepath.FromSlash(name)))
	}
	options, err := cli.NewProjectOptions(files, cli.WithWorkingDirectory(dir), cli.WithEnv(env), cli.WithProfiles([]string{"*"}))
	if err != nil {
		return nil, fmt.Errorf("preparing to read docker-compose.yml: %w", err)
	}
	project, err := options.LoadProject(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading docker-compose.yml: %w", err)
	}
	return project, nil
}

// loadVariables finds every ${VARIABLE} of the file.
func loadVariables(ctx context.Context, dir string) (map[string]template.Variable, error) {
	options, err := cli.NewProjectOptions([]string{filepath.Join(dir, "docker-compose.yml")},
		cli.WithWorkingDirectory(dir), cli.WithInterpolation(false), cli.WithNormalization(false), cli.WithConsistency(false))
	if err != nil {
		return nil, fmt.Errorf("preparing to read docker-compose.yml: %w", err)
	}
	model, err := options.LoadModel(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the variables of docker-compose.yml: %w", err)
	}
	return template.ExtractVariables(model, template.DefaultPattern), nil
}

// ours reports whether a service is one of orak's roles.
func ours(s types.ServiceConfig) bool { return s.Build != nil }

// once reports whether a service is a job that ends by itself.
func once(s types.ServiceConfig) bool {
	return strings.HasPrefix(s.Restart, types.RestartPolicyOnFailure)
}
