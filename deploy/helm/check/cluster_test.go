package check

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCluster holds the chart to a real API server: what it renders is accepted strictly,
// down to the pods under the restricted Pod Security Standard, and what is broken is refused.
func TestCluster(t *testing.T) {
	t.Parallel()
	server, r := startAPIServer(t), rules(t)

	for _, variant := range variants {
		t.Run("accepts "+variant, func(t *testing.T) {
			objects := rendered(t, variant)
			for _, o := range append(objects, pods(objects)...) {
				require.NoError(t, server.accepts(t.Context(), o), "%s", o)
			}
		})
	}
	t.Run("is installed, upgraded, taken back and removed", func(t *testing.T) { release(t, server) })
	for name, test := range brokenObjects {
		t.Run("refuses "+name, func(t *testing.T) {
			objects := clone(t, rendered(t, "production"))
			broken := find(t, objects, test.kind, test.name)
			test.breaks(broken)
			err := judge(t, server, r, objects)
			require.ErrorContains(t, err, test.by)
			require.ErrorContains(t, err, test.why)
		})
	}
	require.GreaterOrEqual(t, len(brokenObjects), 20)
}

// release runs helm's own commands on the server, where no controller starts a pod.
func release(t *testing.T, server *apiServer) {
	t.Helper()
	run := func(args ...string) string {
		out, err := helm(t, server.kubeconfig, args...)
		require.NoError(t, err)
		return string(out)
	}
	notes := run("install", "orak", chart, "--values", valuesOf("minimal"))
	require.Contains(t, notes, "orak-worker-gpu: 1 pods, 345 s to stop")
	require.Contains(t, notes, "orak keys create")
	require.Equal(t, 4, server.count(t, "apps/v1", "Deployment"))

	notes = run("upgrade", "orak", chart, "--values", valuesOf("production"))
	require.Contains(t, notes, "orak-lake: 1 to 6 pods")
	require.Equal(t, 7, server.count(t, "apps/v1", "Deployment"))
	require.Equal(t, 6, server.count(t, "keda.sh/v1alpha1", "ScaledObject"))

	run("rollback", "orak", "1")
	require.Equal(t, 4, server.count(t, "apps/v1", "Deployment"))
	require.Zero(t, server.count(t, "keda.sh/v1alpha1", "ScaledObject"))

	run("uninstall", "orak")
	for _, of := range [][2]string{
		{"apps/v1", "Deployment"}, {"v1", "Service"}, {"v1", "ServiceAccount"}, {"v1", "Secret"},
		{"policy/v1", "PodDisruptionBudget"}, {"networking.k8s.io/v1", "NetworkPolicy"},
	} {
		require.Zero(t, server.count(t, of[0], of[1]), of[1])
	}
}

// Values are refused before anything is sent, by the schema or by the chart itself.
func TestBrokenValuesAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range brokenValues {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{"--values", valuesOf("production")}
			for _, set := range test.set {
				args = append(args, "--set-json", set)
			}
			_, err := template(t, args...)
			require.ErrorContains(t, err, test.why)
		})
	}
}

// judge asks the API server about all objects and their pods, and then our own rules.
func judge(t *testing.T, server *apiServer, r Rules, objects []Object) error {
	t.Helper()
	for _, o := range append(objects, pods(objects)...) {
		if err := server.accepts(t.Context(), o); err != nil {
			return err
		}
	}
	if found := r.Check(objects); len(found) > 0 {
		return &refusal{"the rules", found[0]}
	}
	return nil
}

func find(t *testing.T, objects []Object, kind, name string) Object {
	t.Helper()
	for _, o := range objects {
		if o.Kind() == kind && o.Name() == name {
			return o
		}
	}
	require.Failf(t, "no such object", "%s %s", kind, name)
	return nil
}
