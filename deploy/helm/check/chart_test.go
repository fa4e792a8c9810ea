package check

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRenderingsAreGolden(t *testing.T) {
	t.Parallel()
	for _, variant := range variants {
		all, err := template(t, "--values", valuesOf(variant))
		require.NoError(t, err)
		out := withoutRules(all)
		golden := filepath.Join("testdata", variant+".yaml")
		if *update {
			require.NoError(t, os.WriteFile(golden, out, 0o644))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		require.Equal(t, string(want), string(out), "read the difference; -update writes it")
	}
}

// withoutRules leaves out the alerts, which are tested where they are written.
func withoutRules(rendering []byte) []byte {
	documents := strings.SplitAfter(string(rendering), "\n---\n")
	return []byte(strings.Join(slices.DeleteFunc(documents, func(d string) bool { return strings.Contains(d, "\nkind: PrometheusRule\n") }), ""))
}

func TestAlertsOfTheChartAreThoseOfThisRepository(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(root + "/deploy/prometheus/rules/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var want []any
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		prefixed := strings.ReplaceAll(string(content), "runbook_url: docs/", "runbook_url: https://git.example.org/orak/blob/main/docs/")
		require.NotEqual(t, string(content), prefixed, "%s has no alert with a runbook", file)
		objects, err := Parse([]byte(prefixed))
		require.NoError(t, err)
		want = append(want, objects[0].At("groups").([]any)...)
	}
	groups := find(t, rendered(t, "everything"), "PrometheusRule", "voices").At("spec", "groups").([]any)
	require.Len(t, groups, len(want)+1, "and one of the values")
	require.Equal(t, want, groups[:len(want)])
}

func TestRenderingsKeepTheRules(t *testing.T) {
	t.Parallel()
	r := rules(t)
	for _, variant := range variants {
		require.Empty(t, r.Check(rendered(t, variant)), variant)
	}
}

func TestEveryRoleIsDeployedOnce(t *testing.T) {
	t.Parallel()
	roles := []any{"api", "bridge", "index", "lake", "webhooks", "worker", "worker-gpu"}
	for variant, want := range map[string][]any{"everything": roles, "production": roles, "minimal": {"api", "bridge", "worker", "worker-gpu"}} {
		var found []any
		for _, o := range rendered(t, variant) {
			if o.Kind() == "Deployment" {
				found = append(found, o.At("spec", "template", "metadata", "labels", component))
			}
		}
		require.ElementsMatch(t, want, found, variant)
	}
}

// Only where workers have versions is there a job, which runs after the pods were replaced.
func TestJobMakesANewVersionCurrent(t *testing.T) {
	t.Parallel()
	for variant, want := range map[string]int{"minimal": 0, "production": 0, "everything": 1} {
		jobs := 0
		for _, o := range rendered(t, variant) {
			pod := Object(o.fields("spec", "template", "spec"))
			if o.Kind() != "Job" {
				continue
			}
			jobs++
			require.Equal(t, "post-install,post-upgrade,post-rollback", o.At("metadata", "annotations", "helm.sh/hook"))
			env := environment(pod.each("containers")[0])
			for _, role := range []string{"voices-worker", "voices-worker-gpu", "voices-webhooks"} {
				of := environment(Object(find(t, rendered(t, variant), "Deployment", role).fields("spec", "template", "spec")).each("containers")[0])
				for _, name := range []string{"ORAK_WORKER_DEPLOYMENT", "ORAK_WORKER_BUILD_ID"} {
					require.NotEmpty(t, env[name])
					require.Equal(t, env[name], of[name], "%s %s", role, name)
				}
			}
		}
		require.Equal(t, want, jobs, variant)
	}
}

// A secret reaches only the roles that use it.
func TestSecretsReachOnlyTheirRoles(t *testing.T) {
	t.Parallel()
	all := []string{"api", "bridge", "index", "lake", "webhooks", "worker", "worker-gpu"}
	want := map[string][]string{
		"orak-kafka": append(all, "worker-version"), "orak-kafka-ca": append(all, "worker-version"), "orak-temporal": append(all, "worker-version"), "orak-codec": all, "orak-registry": all,
		"orak-index":    {"api", "index"},
		"orak-webhooks": {"api", "webhooks"},
		"orak-alerts":   {"bridge", "index", "lake", "webhooks", "worker"},
		"orak-oidc":     {"api"},
		"orak-model":    {"worker", "worker-gpu"},
	}
	found := map[string][]string{}
	for _, o := range rendered(t, "everything") {
		pod := Object(o.fields("spec", "template", "spec"))
		for _, volume := range pod.each("volumes") {
			for _, source := range volume.each("projected", "sources") {
				name := source.text("secret", "name")
				found[name] = append(found[name], o.text("spec", "template", "metadata", "labels", component))
			}
		}
	}
	for name := range found {
		slices.Sort(found[name])
	}
	require.Equal(t, want, found)
}

// The schema must know each secret, or one could be written out in the values.
func TestSchemaRefusesEverySecretInTheConfiguration(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join(chart, "values.schema.json"))
	require.NoError(t, err)
	var schema struct {
		Defs struct {
			Config struct {
				PropertyNames struct {
					Not struct {
						AnyOf []struct {
							Enum []string `json:"enum"`
						} `json:"anyOf"`
					} `json:"not"`
				} `json:"propertyNames"`
			} `json:"config"`
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(content, &schema))
	var refused []string
	for _, list := range schema.Defs.Config.PropertyNames.Not.AnyOf {
		refused = append(refused, list.Enum...)
	}
	settings := rules(t).Settings
	for name, setting := range settings {
		if setting.Secret {
			require.Contains(t, refused, name)
			require.Contains(t, refused, name+"_FILE")
		}
	}
	for _, name := range refused {
		name = regexp.MustCompile("_FILE$").ReplaceAllString(name, "")
		require.Contains(t, settings, name, "the schema refuses a setting that does not exist")
	}
}

func TestHelmLintFindsNothing(t *testing.T) {
	t.Parallel()
	for _, variant := range variants {
		out, err := exec.CommandContext(t.Context(), program(t, "helm"), "lint", "--strict", chart, "--values", valuesOf(variant)).CombinedOutput()
		require.NoError(t, err, string(out))
		require.NotContains(t, string(out), "[WARNING]")
	}
}

// ignored are the tests of kube-score that do not fit, each with the reason.
var ignored = map[string]string{
	"container-image-pull-policy":         "a version or a digest is pulled once; Always would make the registry a part of every restart",
	"deployment-has-host-podantiaffinity": "topology spread constraints do it, over zones, too",
}

func TestKubeScoreFindsNothing(t *testing.T) {
	t.Parallel()
	for _, variant := range variants {
		manifest := filepath.Join(t.TempDir(), variant+".yaml")
		out, err := template(t, "--values", valuesOf(variant))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(manifest, out, 0o644))
		args := []string{"score", "--output-format", "ci", "--kubernetes-version", "v1.37", "--exit-one-on-warning"}
		for test := range ignored {
			args = append(args, "--ignore-test", test)
		}
		scored, err := exec.CommandContext(t.Context(), program(t, "kube-score"), append(args, manifest)...).CombinedOutput()
		require.NoError(t, err, "%s: %s", variant, regexp.MustCompile(`(?m)^\[(OK|SKIPPED)\].*\n`).ReplaceAllString(string(scored), ""))
	}
}
