package control

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"orak"
)

// Setting is one setting of the closed registry. Its value is text, as on the command
// line.
type Setting struct {
	// Name is that of the process's own flag where there is one: the flag is in
	// effect while nothing is set.
	Name string
	// Help says what it does, in one sentence.
	Help string
	// Range says which values it takes.
	Range string
	// PerTenant says that it may also be set for one tenant.
	PerTenant bool
	// Default is the value in effect while nothing is set; empty where a flag is.
	Default string

	check func(string) error
}

// BadValue means that a setting does not take a value. Its text names the setting and
// the range, and may be shown to people.
type BadValue struct{ Name, Range string }

// Error implements error.
func (e *BadValue) Error() string { return fmt.Sprintf("%s: want %s", e.Name, e.Range) }

// Check returns a *BadValue unless the setting takes value.
func (s Setting) Check(value string) error {
	if s.check(value) != nil {
		return &BadValue{s.Name, s.Range}
	}
	return nil
}

// Int is a setting whose value is a whole number.
type Int struct {
	Setting
	min, max int
}

func newInt(lowest, highest int, s Setting) Int {
	s.Range = fmt.Sprintf("a whole number from %d to %d", lowest, highest)
	i := Int{Setting: s, min: lowest, max: highest}
	i.check = func(value string) error { _, err := i.parse(value); return err }
	return i
}

func (i Int) parse(value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err == nil && (n < i.min || n > i.max) {
		err = strconv.ErrRange
	}
	return n, err
}

// Of returns the value in effect for t, or flag while nothing is set. v may be nil.
func (i Int) Of(v *View, t orak.Tenant, flag int) int {
	if text, ok := v.value(i.Name, t); ok {
		if n, err := i.parse(text); err == nil {
			return n
		}
	}
	return flag
}

// Duration is a setting whose value is a duration, such as 36h.
type Duration struct {
	Setting
	min, max time.Duration
}

func newDuration(lowest, highest time.Duration, s Setting) Duration {
	s.Range = fmt.Sprintf("a duration from %v to %v", lowest, highest)
	d := Duration{Setting: s, min: lowest, max: highest}
	d.check = func(value string) error { _, err := d.parse(value); return err }
	return d
}

func (d Duration) parse(value string) (time.Duration, error) {
	n, err := time.ParseDuration(value)
	if err == nil && (n < d.min || n > d.max) {
		err = strconv.ErrRange
	}
	return n, err
}

// Of returns the value in effect, or flag while nothing is set. v may be nil.
func (d Duration) Of(v *View, flag time.Duration) time.Duration {
	if text, ok := v.value(d.Name, ""); ok {
		if n, err := d.parse(text); err == nil {
			return n
		}
	}
	return flag
}

// Choice is a setting whose value is one of a few words.
type Choice struct{ Setting }

func newChoice(words []string, s Setting) Choice {
	s.Range, s.Default = strings.Join(words[:len(words)-1], ", ")+" or "+words[len(words)-1], words[0]
	s.check = func(value string) error {
		if !slices.Contains(words, value) {
			return strconv.ErrRange
		}
		return nil
	}
	return Choice{s}
}

// Of returns the value in effect for t. v may be nil.
func (c Choice) Of(v *View, t orak.Tenant) string {
	if text, ok := v.value(c.Name, t); ok && c.check(text) == nil {
		return text
	}
	return c.Default
}

// Routes is a setting whose value sends some classes of failures to named webhooks, such
// as input=quality,internal=oncall.
type Routes struct{ Setting }

// routeName is what names a webhook. It never is an address, which would be a secret.
var routeName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

func newRoutes(s Setting) Routes {
	classes := make([]string, 0, len(orak.Classes()))
	for _, c := range orak.Classes() {
		classes = append(classes, string(c))
	}
	s.Range = "CLASS=NAME, separated by commas; classes are " + strings.Join(classes, ", ") + "; a name has up to 40 of a-z, 0-9 and '-'"
	s.check = func(value string) error { _, err := parseRoutes(value); return err }
	return Routes{s}
}

func parseRoutes(value string) (map[string]string, error) {
	routes := make(map[string]string)
	for _, pair := range strings.Split(value, ",") {
		class, name, _ := strings.Cut(pair, "=")
		if _, ok := orak.ParseClass(class); !ok || !routeName.MatchString(name) || routes[class] != "" {
			return nil, strconv.ErrSyntax
		}
		routes[class] = name
	}
	return routes, nil
}

// Of returns the name of the webhook for a class; "" is the alert webhook. v may be nil.
func (r Routes) Of(v *View, class string) string {
	text, ok := v.value(r.Name, "")
	if !ok {
		return ""
	}
	routes, err := parseRoutes(text)
	if err != nil {
		return ""
	}
	return routes[class]
}

// The values of Intake and Tier.
const (
	IntakeOpen   = "open"
	IntakePaused = "paused"

	TierStandard = "standard"
	TierRealtime = "realtime"
	TierBackfill = "backfill"
)

// The settings.
var (
	Intake = newChoice([]string{IntakeOpen, IntakePaused}, Setting{
		Name: "intake", PerTenant: true, Help: "Whether uploads are accepted; while it is paused they are refused with 503, and nothing is stored.",
	})
	MaxTenantUploads = newInt(1, 100_000, Setting{
		Name: "api-max-tenant-uploads", PerTenant: true, Help: "Most uploads of a tenant that run at once in a process; further ones are answered 429.",
	})
	MaxTenantRequests = newInt(0, 1_000_000, Setting{
		Name: "api-max-tenant-requests", PerTenant: true, Help: "Most requests of a tenant per second in a process; further ones are answered 429. 0 means no limit.",
	})
	MaxTenantDayBytes = newInt(0, 1_000_000_000_000_000, Setting{
		Name: "api-max-tenant-day-bytes", PerTenant: true, Help: "Most bytes of recordings that a process accepts of a tenant in a day (UTC); further ones are answered 429. 0 means no limit.",
	})
	MaxTenantWatchers = newInt(1, 1_000_000, Setting{
		Name: "api-max-tenant-watchers", PerTenant: true, Help: "Most event streams of a tenant that are open at once in a process; further ones are answered 429.",
	})
	MaxUploadBytes = newInt(1, 1_000_000_000_000, Setting{
		Name: "api-max-upload-bytes", PerTenant: true, Help: "Size in bytes of the largest recording that is accepted of a tenant.",
	})
	AlertRoutes = newRoutes(Setting{
		Name: "alert-routes", Help: "To which of alert-webhooks the alerts of a failure class go; the others go to the alert webhook.",
	})
	Tier = newChoice([]string{TierStandard, TierRealtime, TierBackfill}, Setting{
		Name: "tier", PerTenant: true, Help: "How urgent the tenant's new uploads are: realtime goes before standard, backfill after everything else.",
	})
	BridgeInflight = newInt(1, 10_000, Setting{
		Name: "bridge-inflight", Help: "Records that a bridge handles at the same time.",
	})
	ConvertSlots = newInt(1, 1024, Setting{
		Name: "convert-slots", Help: "Concurrent conversions in a worker.",
	})
	GPUSlots = newInt(1, 1024, Setting{
		Name: "gpu-slots", Help: "Concurrent analyses in a worker.",
	})
	ParkFor = newDuration(time.Minute, 90*24*time.Hour, Setting{
		Name: "park-for", Help: "How long a dead-lettered upload stays parked before it expires; uploads that run already keep what they began with.",
	})
)

// Settings returns all settings, by name.
func Settings() []Setting {
	return []Setting{
		AlertRoutes.Setting, MaxTenantDayBytes.Setting, MaxTenantRequests.Setting, MaxTenantUploads.Setting, MaxTenantWatchers.Setting, MaxUploadBytes.Setting, BridgeInflight.Setting, ConvertSlots.Setting, GPUSlots.Setting,
		Intake.Setting, ParkFor.Setting, Tier.Setting,
	}
}

// Find returns the setting called name.
func Find(name string) (Setting, bool) {
	for _, s := range Settings() {
		if s.Name == name {
			return s, true
		}
	}
	return Setting{}, false
}
