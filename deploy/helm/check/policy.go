package check

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Setting is one setting of orak, as docs/configuration.md lists it.
type Setting struct {
	Secret  bool
	Default string
}

var (
	settingRow = regexp.MustCompile("(?m)^\\| `--[a-z0-9-]+` \\| `([A-Z0-9_]+)` \\| `[^`]*` \\| (?:`([^`]*)`)? ?\\|")
	secretRow  = regexp.MustCompile("(?m)^\\| \\(secret\\) \\| `([A-Z0-9_]+)`, `[A-Z0-9_]+_FILE`")
)

// Settings reads docs/configuration.md: the settings by their variable.
func Settings(document string) map[string]Setting {
	settings := map[string]Setting{}
	for _, row := range settingRow.FindAllStringSubmatch(document, -1) {
		settings[row[1]] = Setting{Default: row[2]}
	}
	for _, row := range secretRow.FindAllStringSubmatch(document, -1) {
		settings[row[1]] = Setting{Secret: true}
	}
	return settings
}

// Rules are what a rendered chart is held to beside the API server's own validation.
type Rules struct {
	Settings map[string]Setting
	Scalers  Scalers
}

// component is the label that names a pod's role.
const component = "app.kubernetes.io/component"

// Check returns the breaches, each with its reason; none if the chart is sound.
func (r Rules) Check(objects []Object) []string {
	var found []string
	for _, o := range objects {
		switch o.Kind() {
		case "Deployment":
			found = append(found, prefix(o, r.deployment(o))...)
			found = append(found, prefix(o, companions(o, objects))...)
		case "ScaledObject":
			found = append(found, prefix(o, r.scaledObject(o, objects))...)
		case "Service":
			found = append(found, prefix(o, service(o))...)
		case "NetworkPolicy":
			found = append(found, prefix(o, networkPolicy(o))...)
		case "Secret":
			found = append(found, o.String()+": the chart makes no secrets: they would be in its release")
		}
	}
	return found
}

func prefix(o Object, found []string) []string {
	for i := range found {
		found[i] = o.String() + ": " + found[i]
	}
	return found
}

func (r Rules) deployment(o Object) []string {
	pod := Object(o.fields("spec", "template", "spec"))
	var found []string
	if !reflect.DeepEqual(pod.At("automountServiceAccountToken"), false) {
		found = append(found, "its pods get a token of the API server, which orak never asks")
	}
	if len(pod.each("topologySpreadConstraints")) < 2 {
		found = append(found, "its pods are not spread over zones and hosts")
	}
	containers := append(pod.each("containers"), pod.each("initContainers")...)
	for _, c := range containers {
		found = append(found, container(c)...)
		found = append(found, r.environment(c)...)
	}
	return append(found, r.timeToStop(pod)...)
}

func container(c Object) []string {
	var found []string
	for keys, want := range map[string]any{
		"runAsNonRoot": true, "runAsUser": 65532, "readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false,
	} {
		if !reflect.DeepEqual(c.At("securityContext", keys), want) {
			found = append(found, fmt.Sprintf("securityContext.%s is not %v", keys, want))
		}
	}
	if !reflect.DeepEqual(c.At("securityContext", "capabilities", "drop"), []any{"ALL"}) {
		found = append(found, "capabilities are not dropped")
	}
	if c.text("securityContext", "seccompProfile", "type") != "RuntimeDefault" {
		found = append(found, "no seccomp profile")
	}
	for _, probe := range []struct{ name, path string }{{"startupProbe", "/livez"}, {"livenessProbe", "/livez"}, {"readinessProbe", "/readyz"}} {
		if c.text(probe.name, "httpGet", "path") != probe.path || c.text(probe.name, "httpGet", "port") != "admin" {
			found = append(found, fmt.Sprintf("no %s of %s on the admin listener", probe.name, probe.path))
		}
	}
	// A role waits for its servers for two minutes before its admin listener answers.
	if c.number("startupProbe", "periodSeconds")*c.number("startupProbe", "failureThreshold") <= 120 {
		found = append(found, "the startup probe ends a pod that still waits for its servers")
	}
	if c.text("resources", "limits", "memory") == "" || c.text("resources", "limits", "memory") != c.text("resources", "requests", "memory") {
		found = append(found, "memory is not requested in full, so that a full node kills it")
	}
	if image := c.text("image"); !strings.Contains(image, "@sha256:") && (!strings.Contains(path(image), ":") || strings.HasSuffix(image, ":latest")) {
		found = append(found, fmt.Sprintf("image %s has no version", image))
	}
	slices.Sort(found)
	return found
}

// path returns what follows the last slash of an image's name.
func path(image string) string { return image[strings.LastIndexByte(image, '/')+1:] }

func environment(c Object) map[string]string {
	env := map[string]string{}
	for _, variable := range c.each("env") {
		env[variable.text("name")] = variable.text("value")
	}
	return env
}

func (r Rules) environment(c Object) []string {
	var found []string
	env := environment(c)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if !strings.HasPrefix(name, "ORAK_") {
			continue
		}
		of, isFile := name, false
		setting, known := r.Settings[of]
		if !known {
			of, isFile = strings.CutSuffix(name, "_FILE")
			setting, known = r.Settings[of]
		}
		switch {
		case isFile && known && setting.Secret:
			if !strings.HasPrefix(env[name], "/run/secrets/orak/") {
				found = append(found, fmt.Sprintf("%s is not a mounted secret", name))
			}
		case setting.Secret:
			found = append(found, fmt.Sprintf("the secret %s is written out", name))
		case !known:
			found = append(found, fmt.Sprintf("%s is not in docs/configuration.md", name))
		}
	}
	return found
}

// timeToStop holds the chain of a role's times to stop: each is longer than what it
// waits for.
func (r Rules) timeToStop(pod Object) []string {
	c := Object(pod.each("containers")[0])
	env := environment(c)
	setting := func(name string) time.Duration {
		text, given := env[name]
		if !given {
			text = r.Settings[name].Default
		}
		d, _ := time.ParseDuration(text)
		return d
	}
	var found []string
	shutdown := setting("ORAK_SHUTDOWN_TIMEOUT")
	grace := time.Duration(pod.number("terminationGracePeriodSeconds")) * time.Second
	preStop := time.Duration(c.number("lifecycle", "preStop", "sleep", "seconds")) * time.Second
	if grace < preStop+shutdown+10*time.Second {
		found = append(found, fmt.Sprintf("may take %v to stop after a wait of %v, and is killed after %v", shutdown, preStop, grace))
	}
	inner := ""
	switch args, _ := c.At("args").([]any); {
	case reflect.DeepEqual(args, []any{"worker"}):
		inner = "ORAK_WORKER_STOP_TIMEOUT"
	case reflect.DeepEqual(args, []any{"webhooks"}):
		inner = "ORAK_WEBHOOKS_STOP_TIMEOUT"
	case reflect.DeepEqual(args, []any{"api"}):
		if preStop == 0 {
			found = append(found, "refuses requests that the Service still sends to it")
		}
		return found
	case len(args) == 1:
		inner = fmt.Sprintf("ORAK_%s_DRAIN_TIMEOUT", strings.ToUpper(args[0].(string)))
	}
	if inner == "" || setting(inner) <= 0 {
		return append(found, "what its drain waits for is not known")
	}
	if shutdown < setting(inner)+5*time.Second {
		found = append(found, fmt.Sprintf("%s is %v, and %s allows %v", inner, setting(inner), "ORAK_SHUTDOWN_TIMEOUT", shutdown))
	}
	return found
}

// companions holds that a role has its own budget, account and policy.
func companions(o Object, objects []Object) []string {
	labels := o.fields("spec", "template", "metadata", "labels")
	var found []string
	has := func(kind string, selector ...any) bool {
		return slices.ContainsFunc(objects, func(other Object) bool {
			of := other.fields(selector...)
			return other.Kind() == kind && of[component] == labels[component] && selects(of, labels)
		})
	}
	if !has("PodDisruptionBudget", "spec", "selector", "matchLabels") {
		found = append(found, "no PodDisruptionBudget: a drain of nodes may stop all its pods at once")
	}
	if !has("NetworkPolicy", "spec", "podSelector", "matchLabels") {
		found = append(found, "no NetworkPolicy of its own")
	}
	denied := slices.ContainsFunc(objects, func(other Object) bool {
		of := other.fields("spec", "podSelector", "matchLabels")
		return other.Kind() == "NetworkPolicy" && of[component] == nil && selects(of, labels) &&
			other.At("spec", "ingress") == nil && other.At("spec", "egress") == nil && len(other.At("spec", "policyTypes").([]any)) == 2
	})
	if !denied {
		found = append(found, "no NetworkPolicy denies what no other allows")
	}
	account := o.text("spec", "template", "spec", "serviceAccountName")
	if !slices.ContainsFunc(objects, func(other Object) bool { return other.Kind() == "ServiceAccount" && other.Name() == account }) {
		found = append(found, "no ServiceAccount "+account)
	}
	return found
}

func selects(selector, labels map[string]any) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return len(selector) > 0
}

func service(o Object) []string {
	for _, port := range o.each("spec", "ports") {
		if target := port.At("targetPort"); target == "admin" || target == 9464 {
			return []string{"the admin listener is reachable through it"}
		}
	}
	return nil
}

// networkPolicy holds that the admin listener is open to one namespace only, and that
// whatever a rule lets out has a port.
func networkPolicy(o Object) []string {
	var found []string
	for _, rule := range o.each("spec", "ingress") {
		ports := rule.each("ports")
		if len(ports) == 0 {
			found = append(found, "lets in to every port, the admin listener's, too")
		}
		for _, port := range ports {
			if p := port.At("port"); p != "admin" && p != 9464 {
				continue
			}
			from := rule.each("from")
			if len(from) == 0 {
				found = append(found, "lets anyone reach the admin listener")
			}
			for _, peer := range from {
				if peer.text("namespaceSelector", "matchLabels", "kubernetes.io/metadata.name") == "" {
					found = append(found, "lets more than one namespace reach the admin listener")
				}
			}
		}
	}
	for _, rule := range o.each("spec", "egress") {
		if len(rule.each("ports")) == 0 {
			found = append(found, "lets out to every port")
		}
	}
	return found
}
