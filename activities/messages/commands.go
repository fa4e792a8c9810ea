package messages

import (
	"regexp"
	"slices"

	"orak"
)

// pasteable matches ids that a shell takes as one word, as all of orak's are.
var pasteable = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$`)

// sample returns the upload that the commands name; ok is false where no upload
// of the group can be named in a command.
func sample(g AlertGroup) (_ Alert, ok bool) {
	for _, s := range slices.Concat(g.Samples, g.Expiring.Samples) {
		if s.named() {
			return s, true
		}
	}
	for _, s := range g.Parked.alerts() {
		if s.named() {
			return s, true
		}
	}
	return Alert{}, false
}

// named reports whether the upload of an alert can be named in a command and a link: it
// has a workflow, and an id that orak can have made.
func (a Alert) named() bool {
	return a.WorkflowID == "upload-"+string(a.UploadID) && pasteable.MatchString(string(a.UploadID))
}

// tenantFlag returns the flag with which an orak command finds an upload of the
// tenant; empty for the default tenant, and for one that is not known or not
// valid.
func tenantFlag(t orak.Tenant) string {
	if _, err := orak.ParseTenant(string(t)); err != nil || t == orak.DefaultTenant {
		return ""
	}
	return " --tenant " + string(t)
}

// Commands words the command lines about single uploads that operators paste.
type Commands struct {
	// Namespace is the Temporal namespace; "" and "default" need no flag.
	Namespace string
}

// CommandLine is one command in the three tools that run it.
type CommandLine struct{ Orak, Temporal, Tctl string }

// Show returns the command that shows a dead letter, with Temporal's tools by
// the workflow's query.
func (c Commands) Show(id orak.UploadID, t orak.Tenant, query string) CommandLine {
	return CommandLine{
		Orak:     "orak dlq show " + string(id) + tenantFlag(t),
		Temporal: "temporal workflow query" + c.namespaceFlag() + " --workflow-id upload-" + string(id) + " --type " + query,
		Tctl:     "tctl" + c.namespaceFlag() + " workflow query --workflow_id upload-" + string(id) + " --query_type " + query,
	}
}

// Decide returns the command that decides about a dead letter. The decision is
// the name of a signal and of an orak command: reprocess or discard. input is
// the signal's, as JSON; empty leaves it out.
func (c Commands) Decide(decision string, id orak.UploadID, t orak.Tenant, input string) CommandLine {
	if input != "" {
		input = " --input '" + input + "'"
	}
	return CommandLine{
		Orak:     "orak dlq " + decision + " " + string(id) + tenantFlag(t),
		Temporal: "temporal workflow signal" + c.namespaceFlag() + " --workflow-id upload-" + string(id) + " --name " + decision + input,
		Tctl:     "tctl" + c.namespaceFlag() + " workflow signal --workflow_id upload-" + string(id) + " --name " + decision + input,
	}
}

func (c Commands) namespaceFlag() string {
	if c.Namespace == "" || c.Namespace == "default" {
		return ""
	}
	return " --namespace " + c.Namespace
}

// commands returns the command lines that show and decide: first for one
// upload, in the three tools, then for all. Where the API does not serve all
// tenants at once, the orak commands name only that upload's tenant.
func (w Writer) commands(g AlertGroup, sample Alert, query string) []string {
	c := Commands{Namespace: w.Namespace}
	reprocess := c.Decide("reprocess", sample.UploadID, sample.Tenant, "")
	lines := []string{
		"# one",
		c.Show(sample.UploadID, sample.Tenant, "").Orak,
		reprocess.Orak,
		c.Decide("discard", sample.UploadID, sample.Tenant, "").Orak,
		reprocess.Temporal,
		reprocess.Tctl,
		"# all",
	}
	if stage, ok := orak.ParseStage(string(g.Stage)); ok {
		selection := " --stage " + string(stage) + " --class " + string(g.Class) + w.allTenantsFlag(tenantFlag(sample.Tenant))
		lines = append(lines, "orak dlq reprocess"+selection+" --dry-run", "orak dlq reprocess"+selection, "orak dlq discard"+selection)
	}
	return append(lines, "temporal workflow signal"+c.namespaceFlag()+` --query "`+query+`" --name reprocess --reason fixed --rps 5 --yes`)
}

// allTenantsFlag returns the flag for all tenants where the API takes it, and
// otherwise that of the one tenant.
func (w Writer) allTenantsFlag(tenant string) string {
	if w.AllTenants {
		return " --all-tenants"
	}
	return tenant
}
