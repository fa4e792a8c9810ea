package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

// planned are the services of this repository's docker-compose.yml.
func planned(t *testing.T, environ ...string) map[string]*service {
	t.Helper()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	data := t.TempDir()
	project, err := load(t.Context(), root, nil, filepath.Join(data, "secrets.env"), environ, true)
	require.NoError(t, err)
	at := places{root: root, bin: filepath.Join(root, "bin"), orak: "/built/orak", data: data}
	services, err := plan(project, at, network{number: 7})
	require.NoError(t, err)
	byName := map[string]*service{}
	for _, s := range services {
		byName[s.Name] = s
	}
	return byName
}

func TestEveryServiceHasAProgramAndAHealthCheck(t *testing.T) {
	t.Parallel()
	services := planned(t, "COMPOSE_PROFILES=model")
	require.Contains(t, services, "model")
	addresses := map[string]bool{}
	for name, s := range services {
		require.NotEmpty(t, s.argv, name)
		require.Equal(t, s.job(), s.probe == nil, name)
		addresses[s.address] = true
	}
	require.Len(t, addresses, len(services))
	require.Equal(t, []string{"/built/orak", "bridge"}, services["bridge"].argv)
	require.NotContains(t, planned(t), "model", "its profile is not active")
}

func TestServicesReachEachOther(t *testing.T) {
	t.Parallel()
	services := planned(t)
	env := func(name, variable string) string {
		for _, entry := range services[name].env {
			if value, ok := strings.CutPrefix(entry, variable+"="); ok {
				return value
			}
		}
		t.Fatalf("%s has no %s", name, variable)
		return ""
	}
	address := func(name string) string { return services[name].address }
	require.Equal(t, address("kafka-1")+":19092,"+address("kafka-2")+":19092,"+address("kafka-3")+":19092", env("worker", "ORAK_KAFKA_BROKERS"))
	require.Equal(t, address("temporal")+":7233", env("bridge", "ORAK_TEMPORAL_ADDRESS"))
	require.Equal(t, address("api")+":8080", env("api", "ORAK_API_ADDR"))
	require.Equal(t, address("postgres"), env("temporal", "POSTGRES_SEEDS"))
	require.Equal(t, "temporal", env("temporal", "POSTGRES_USER"))
	require.True(t, strings.HasPrefix(env("worker", "ORAK_SCRATCH_DIR"), services["worker"].folder))

	advertised := env("kafka-2", "KAFKA_ADVERTISED_LISTENERS")
	require.Equal(t, "INTERNAL://"+address("kafka-2")+":19092,LOOPBACK://"+services["kafka-2"].publications()[9092], advertised,
		"a free port is known to those who advertise it")

	set := settings(slices.Collect(maps.Values(services)))
	require.Equal(t, "http://"+address("api")+":8080", set["ORAK_SERVER"])
	require.Equal(t, address("s3")+":9000", set["ORAK_S3_ENDPOINT"])
}

func TestNoSecretIsAnArgument(t *testing.T) {
	t.Parallel()
	services := planned(t)
	content, err := os.ReadFile(filepath.Join(services["api"].places.data, "secrets.env"))
	require.NoError(t, err)
	secrets := 0
	for line := range strings.Lines(string(content)) {
		_, secret, _ := strings.Cut(strings.TrimSpace(line), "=")
		require.Greater(t, len(secret), 20)
		secrets++
		for name, s := range services {
			require.NotContains(t, strings.Join(s.argv, " "), secret, name)
		}
	}
	require.Equal(t, 2, secrets)
}

func TestSecretsAreKept(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "secrets.env")
	secret := func() string {
		project, err := load(t.Context(), root, nil, file, nil, true)
		require.NoError(t, err)
		return *project.Services["api"].Environment["ORAK_S3_SECRET_KEY"]
	}
	require.Equal(t, secret(), secret())
}

func TestOverridesAreLaidOver(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	over := filepath.Join(t.TempDir(), "over.yml")
	require.NoError(t, os.WriteFile(over, []byte("services: {api: {environment: {ORAK_API_OUTBOX_INTERVAL: 7s}}}"), 0o644))
	project, err := load(t.Context(), root, []string{over}, filepath.Join(t.TempDir(), "secrets.env"), nil, true)
	require.NoError(t, err)
	require.Equal(t, "7s", *project.Services["api"].Environment["ORAK_API_OUTBOX_INTERVAL"])
	require.NotNil(t, project.Services["api"].Environment["ORAK_S3_ENDPOINT"])
}

func TestRestartPolicies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		policy string
		failed bool
		done   int
		want   bool
	}{
		{"unless-stopped", false, 1000, true},
		{"always", true, 0, true},
		{"on-failure", true, 1000, true},
		{"on-failure", false, 0, false},
		{"on-failure:5", true, 4, true},
		{"on-failure:5", true, 5, false},
		{"no", true, 0, false},
		{"", true, 0, false},
	} {
		s := service{ServiceConfig: types.ServiceConfig{Restart: test.policy}}
		require.Equal(t, test.want, s.restarts(test.failed, test.done), "%+v", test)
	}
}

func TestUnknownImageIsRefused(t *testing.T) {
	t.Parallel()
	var s types.ServiceConfig
	s.Image = "localhost:5000/other:1"
	_, err := programOf(s)
	require.ErrorContains(t, err, "localhost:5000/other:1")
}

// As root, services run as another user, who must be able to enter the folders of
// its mounts.
func TestMountsOfTmpfsBelongToTheServicesUser(t *testing.T) {
	t.Parallel()
	worker := planned(t)["worker"]
	var err error
	worker.places.user, err = unprivileged()
	require.NoError(t, err)
	want := uint32(os.Geteuid())
	if worker.places.user != nil {
		want = worker.places.user.uid
	}
	require.NoError(t, worker.emptyTmpfs())
	require.NoError(t, worker.makeFolders())
	scratch := worker.translation.paths["/scratch"]
	for _, dir := range []string{scratch, filepath.Dir(scratch)} {
		info, err := os.Stat(dir)
		require.NoError(t, err)
		require.Equal(t, want, info.Sys().(*syscall.Stat_t).Uid, dir)
	}
}

func TestOnlyServicesWithoutDependentsAreLeftOut(t *testing.T) {
	t.Parallel()
	all := slices.Collect(maps.Values(planned(t)))
	kept, err := without(all, []string{"api", "temporal-ui"})
	require.NoError(t, err)
	require.Len(t, kept, len(all)-2)
	_, err = without(all, []string{"temporal"})
	require.ErrorContains(t, err, "depends on it")
	_, err = without(all, []string{"broker"})
	require.ErrorContains(t, err, "no such service")
}

func TestLabelledServiceHasANetworkOfItsOwn(t *testing.T) {
	t.Parallel()
	n := network{number: 7, namespaces: true}
	require.Equal(t, placement{address: "10.230.7.12", link: "orak7-12", namespace: "orak7-12"}, n.place(true, 12))
	require.Equal(t, placement{address: "127.30.7.12"}, n.place(false, 12))
	n.namespaces = false
	require.Equal(t, placement{address: "127.30.7.12"}, n.place(true, 12), "nobody but root makes namespaces")

	labelled := types.ServiceConfig{Name: "kafka-1"}
	labelled.Labels = types.Labels{ownNetwork: "own"}
	here, there := &service{ServiceConfig: labelled}, &service{ServiceConfig: labelled, placement: placement{namespace: "orak7-12"}}
	require.Equal(t, []string{"kafka-1"}, together([]*service{here, there, {}}))
	require.Equal(t, []*service{there}, apart([]*service{here, there, {}}))
}
