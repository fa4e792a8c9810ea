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
		if s.WorkflowID == "upload-"+string(s.UploadID) && pasteable.MatchString(string(s.UploadID)) {
			return s, true
		}
	}
	for _, s := range g.Parked.alerts() {
		if pasteable.MatchString(string(s.UploadID)) {
			return s, true
		}
	}
	return Alert{}, false
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

// commands returns the command lines that show and decide: first for one
// upload, in the three tools, then for all. Where the API does not serve all
// tenants at once, the orak commands name only that upload's tenant.
func (w Writer) commands(g AlertGroup, sample Alert, query string) []string {
	ns := ""
	if w.Namespace != "" && w.Namespace != "default" {
		ns = " --namespace " + w.Namespace
	}
	id := string(sample.UploadID)
	one, tenant := "upload-"+id, tenantFlag(sample.Tenant)
	lines := []string{
		"# one",
		"orak dlq show " + id + tenant,
		"orak dlq reprocess " + id + tenant,
		"orak dlq discard " + id + tenant,
		"temporal workflow signal" + ns + " --workflow-id " + one + " --name reprocess",
		"tctl" + ns + " workflow signal --workflow_id " + one + " --name reprocess",
		"# all",
	}
	if stage, ok := orak.ParseStage(string(g.Stage)); ok {
		selection := " --stage " + string(stage) + " --class " + string(g.Class) + w.allTenantsFlag(tenant)
		lines = append(lines, "orak dlq reprocess"+selection+" --dry-run", "orak dlq reprocess"+selection, "orak dlq discard"+selection)
	}
	return append(lines, "temporal workflow signal"+ns+` --query "`+query+`" --name reprocess --reason mended --rps 5 --yes`)
}

// allTenantsFlag returns the flag for all tenants where the API takes it, and
// otherwise that of the one tenant.
func (w Writer) allTenantsFlag(tenant string) string {
	if w.AllTenants {
		return " --all-tenants"
	}
	return tenant
}
