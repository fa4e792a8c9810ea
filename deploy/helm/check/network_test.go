package check

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// What each role reaches, and who reaches it, in the rendering in which every server's
// place is known.
func TestRolesReachOnlyWhatTheyNeed(t *testing.T) {
	t.Parallel()
	every := []string{
		"kube-system:53", "kube-system:53/UDP", "kafka:9093", "kafka:9094", "kafka:9095", "kafka:9096", "kafka:8081" /* extraEgress */, "store:9000", "temporal:7233",
		"169.254.170.23/32:443", "169.254.170.23/32:80", "monitoring:4318",
	}
	const (
		database = "10.20.0.0/24:6432"
		alerts   = "10.30.0.5/32:8443"
		model    = "gpu:8090"
	)
	want := map[any][]string{
		"api":        {database, "203.0.113.0/24:8443", "203.0.113.0/24:443"},
		"bridge":     {alerts},
		"worker":     {model, alerts},
		"worker-gpu": {model},
		"index":      {database, alerts},
		"lake":       {alerts},
		"webhooks":   {alerts, "0.0.0.0/0:443", "2000::/3:443"},
	}
	found := map[any][]string{}
	// The job reaches only where it makes a version current, and where it says so.
	job := []string{"kube-system:53", "kube-system:53/UDP", "kafka:9093", "kafka:9094", "kafka:8081", "temporal:7233"}
	for _, o := range rendered(t, "everything") {
		role := o.At("spec", "podSelector", "matchLabels", component)
		if o.Kind() != "NetworkPolicy" || role == nil {
			continue
		}
		if role == "worker-version" {
			require.ElementsMatch(t, job, peers(o.each("spec", "egress"), "to"))
			require.Empty(t, o.each("spec", "ingress"))
			continue
		}
		found[role] = peers(o.each("spec", "egress"), "to")
		require.ElementsMatch(t, append(slices.Clone(every), want[role]...), found[role], role)
		in := []string{"observability:admin"}
		if role == "api" {
			in = append(in, "gateway:http")
		}
		require.ElementsMatch(t, in, peers(o.each("spec", "ingress"), "from"), role)
	}
	require.Len(t, found, len(want))
}

// Every role reaches Kafka, and so the place of its tokens.
func TestEveryRoleReachesTheTokenEndpointOfKafka(t *testing.T) {
	t.Parallel()
	const endpoint = "10.40.0.0/24:8443"
	for of, want := range map[string]int{tokenURL: 7, tokenFile: 0} {
		found := 0
		for _, o := range rendered(t, "production",
			"--set-json", oauth, "--set-json", `kafka.sasl.user=""`, "--set-json", of,
			"--set-json", `networkPolicy.to.kafkaTokens=[{"ipBlock": {"cidr": "10.40.0.0/24"}}]`) {
			if o.Kind() == "NetworkPolicy" && slices.Contains(peers(o.each("spec", "egress"), "to"), endpoint) {
				found++
			}
		}
		require.Equal(t, want, found, of)
	}
}

// peers returns what rules allow, as PEER:PORT; a peer is a namespace or a range.
func peers(rules []Object, side string) []string {
	var found []string
	for _, rule := range rules {
		of := rule.each(side)
		if len(of) == 0 {
			of = []Object{{"ipBlock": map[string]any{"cidr": "anywhere"}}}
		}
		for _, peer := range of {
			name := peer.text("namespaceSelector", "matchLabels", "kubernetes.io/metadata.name") + peer.text("ipBlock", "cidr")
			for _, port := range rule.each("ports") {
				text := fmt.Sprintf("%s:%v", name, port.At("port"))
				if port.text("protocol") == "UDP" {
					text += "/UDP"
				}
				found = append(found, text)
			}
		}
	}
	return found
}
