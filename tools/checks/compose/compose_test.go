package compose

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../../.."

func TestDeploymentKeepsItsRules(t *testing.T) {
	t.Parallel()
	d, err := Load(t.Context(), absolute(t, root))
	require.NoError(t, err)
	require.Subset(t, d.Project.ServiceNames(), []string{"api", "bridge", "worker", "kafka-1", "kafka-2", "kafka-3", "temporal", "temporal-ui", "postgres", "s3", "model"})
	require.NotEmpty(t, d.Settings)
	for _, what := range Check(d) {
		t.Error(what)
	}
}

func TestOnlyTheModelServerHasAGPU(t *testing.T) {
	t.Parallel()
	d, err := Load(t.Context(), absolute(t, root), "deploy/gpu.yml")
	require.NoError(t, err)
	for _, what := range Check(d) {
		t.Error(what)
	}
	for name, s := range d.Project.Services {
		given := s.Deploy.Resources.Reservations != nil && len(s.Deploy.Resources.Reservations.Devices) > 0
		require.Equal(t, name == "model", given, name)
	}
	model := d.Project.Services["model"]
	require.Equal(t, "requirements-gpu.txt", *model.Build.Args["REQUIREMENTS"])
	require.Contains(t, model.Command, "cuda", "it must not fall back to the CPU silently")
	require.Equal(t, []string{"model"}, model.Profiles)
}

// The programs that lay these over the file are not run by CI.
func TestOverlaysOfDrillsCanBeRead(t *testing.T) {
	t.Parallel()
	for over, service := range map[string]string{
		"test/drills/compose.yml": "kafka-3", "test/drills/deploy.yml": "worker-gpu-2", "test/drills/failover.yml": "kafka-uploads", "test/chaos/compose.yml": "lake",
	} {
		d, err := Load(t.Context(), absolute(t, root), over)
		require.NoError(t, err, over)
		require.Contains(t, d.Project.Services, service, over)
	}
	d, err := Load(t.Context(), absolute(t, root), "test/drills/failover.yml")
	require.NoError(t, err)
	require.Len(t, d.Project.Services["kafka-uploads"].Volumes, 1)
	require.Equal(t, "kafka-uploads", d.Project.Services["kafka-uploads"].Volumes[0].Source)
	require.Len(t, d.Project.Services["kafka-uploads"].Ports, 1)
}

func TestMissingSecretStopsTheStartAndIsNamed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ORAK_S3_SECRET_KEY", "ORAK_S3_ACCESS_KEY", "POSTGRES_PASSWORD"} {
		var env []string
		for _, given := range []string{"ORAK_S3_SECRET_KEY=x", "ORAK_S3_ACCESS_KEY=x", "POSTGRES_PASSWORD=x"} {
			if !strings.HasPrefix(given, name) {
				env = append(env, given)
			}
		}
		_, err := loadProject(t.Context(), absolute(t, root), env)
		require.ErrorContains(t, err, name)
		require.ErrorContains(t, err, ".env.example")
	}
}

// A valid service, of which each case of the next test breaks one thing.
const sound = `services:
  role:
    image: orak:local
    build: .
    restart: unless-stopped
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    stop_grace_period: 45s
    environment:
      ORAK_SHUTDOWN_TIMEOUT: 30s
      ORAK_S3_SECRET_KEY: ${KEY:?missing}
    ports: ["127.0.0.1:8080:8080"]
    volumes: ["./file:/file:ro"]
    logging: {driver: json-file, options: {max-size: 1m}}
    deploy: {resources: {limits: {cpus: "1.0", memory: 1G}}}
    healthcheck: {test: [CMD, check]}
    depends_on:
      other: {condition: service_healthy}
      job: {condition: service_completed_successfully}
  other: &other
    image: example/other:1.2.3
    restart: unless-stopped
    security_opt: ["no-new-privileges:true"]
    logging: {driver: json-file, options: {max-size: 1m}}
    deploy: {resources: {limits: {cpus: "1.0", memory: 1G}}}
    healthcheck: {test: [CMD, check]}
  job:
    <<: *other
    restart: on-failure:5
    healthcheck: {disable: true}
`

func TestBreachesAreFound(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ old, new, want string }{
		"nothing":                       {"", "", ""},
		"a moving tag":                  {"example/other:1.2.3", "example/other:latest", "other: image example/other:latest has no version"},
		"no tag at all":                 {"example/other:1.2.3", "localhost:5000/other", "has no version"},
		"a port for every host":         {"127.0.0.1:8080:8080", "8080:8080", `role: port 8080 is published on ""`},
		"the host's network":            {"    ports: [\"127.0.0.1:8080:8080\"]\n", "    network_mode: host\n", "network_mode host"},
		"no health check":               {"healthcheck: {test: [CMD, check]}\n    depends_on", "depends_on", "role: no health check"},
		"started, not healthy":          {"service_healthy", "service_started", "waits for other to be service_started"},
		"a job waited for as a service": {"service_completed_successfully", "service_started", "waits for job to be service_started"},
		"privileged":                    {"cap_drop: [ALL]", "cap_drop: [ALL]\n    privileged: true", "privileged"},
		"may gain privileges":           {`security_opt: ["no-new-privileges:true"]` + "\n    stop", "stop", "role: may gain privileges"},
		"a writable image":              {"read_only: true", "read_only: false", "not read-only"},
		"a missing file":                {"./file:", "./gone:", "gone is mounted and missing"},
		"a writable mount":              {"/file:ro", "/file", "mounted for writing"},
		"the host's files":              {"./file:/file:ro", "/etc:/file:ro", "/etc is mounted from outside"},
		"no limit":                      {", memory: 1G}}}\n    healthcheck: {test: [CMD, check]}\n    depends", "}}}\n    healthcheck: {test: [CMD, check]}\n    depends", "role: no limit"},
		"a log that grows":              {"options: {max-size: 1m}}\n    deploy: {resources: {limits: {cpus: \"1.0\", memory: 1G}}}\n    healthcheck: {test: [CMD, check]}\n    depends", "options: {}}\n    deploy: {resources: {limits: {cpus: \"1.0\", memory: 1G}}}\n    healthcheck: {test: [CMD, check]}\n    depends", "a log without a bound"},
		"no restart":                    {"build: .\n    restart: unless-stopped", "build: .", "role: no restart policy"},
		"all tenants":                   {"ORAK_SHUTDOWN_TIMEOUT: 30s", "ORAK_SHUTDOWN_TIMEOUT: 30s\n      ORAK_API_ALL_TENANTS: \"true\"", "ORAK_API_ALL_TENANTS is set"},
		"a misspelt setting":            {"ORAK_SHUTDOWN_TIMEOUT: 30s", "ORAK_SHUTDOWN_TIMEOUT: 30s\n      ORAK_SHUTDWN: x", "ORAK_SHUTDWN is not in docs/configuration.md"},
		"a secret written out":          {"${KEY:?missing}", "${KEY:?missing}\n      DB_PASSWORD: hunter2", "DB_PASSWORD is written out"},
		"a secret with a default":       {"${KEY:?missing}", "${KEY:-hunter2}", `KEY is "" in .env.example and "hunter2" by default`},
		"a drain cut off":               {"stop_grace_period: 45s", "stop_grace_period: 30s", "may drain for 30s and is killed after 30s"},
		"an undocumented variable":      {"cap_drop: [ALL]", "cap_drop: [ALL]\n    user: ${WHO:-1:1}", "WHO is used and not in .env.example"},
		"an unused variable":            {"${KEY:?missing}", "chosen-by-the-user", "KEY is in .env.example and not used"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, sound, test.old)
			d, err := Load(t.Context(), tree(t, map[string]string{
				"docker-compose.yml":    strings.Replace(sound, test.old, test.new, 1),
				".env.example":          "KEY=\n",
				"docs/configuration.md": "`ORAK_SHUTDOWN_TIMEOUT` and `ORAK_S3_SECRET_KEY`",
				"file":                  "",
			}))
			require.NoError(t, err)
			found := Check(d)
			if test.want == "" {
				require.Empty(t, found)
				return
			}
			require.Contains(t, strings.Join(found, "\n"), test.want)
		})
	}
}

func TestUnknownKeyIsRefused(t *testing.T) {
	t.Parallel()
	_, err := Load(t.Context(), tree(t, map[string]string{
		"docker-compose.yml": strings.Replace(sound, "restart:", "restrat:", 1), ".env.example": "KEY=\n", "docs/configuration.md": "", "file": "",
	}))
	require.ErrorContains(t, err, "restrat")
}

func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	return dir
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	return path
}
