package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/api/resource"
	"orak/control"
)

// Settings are the live settings that are in effect, and change them. Errors are those
// of control.Writer.
type Settings interface {
	Status() control.Status
	Assignments() []control.Assignment
	// Version is that of the document that holds a setting; see control.View.
	Version(setting string, t orak.Tenant) int64
	Apply(ctx context.Context, c control.Change) (version int64, err error)
}

// The query parameters of settings.
const (
	paramTenant  = "tenant"
	paramVersion = "version"
)

// The values of resource.Setting.Source.
const (
	sourceSet     = "set"
	sourceDefault = "default"
)

// administersAll reports whether the caller may look at and change what concerns every
// tenant.
func (s *Server) administersAll(c *fiber.Ctx) bool {
	caller := exchangeOf(c).caller
	return caller.EveryTenant || caller.Anonymous || caller.Tenant == resource.EveryTenant && s.cfg.AllTenants
}

// settingsTenant reads the parameter; "" without it. A caller of one tenant means its own.
func (s *Server) settingsTenant(c *fiber.Ctx) (orak.Tenant, error) {
	var t orak.Tenant
	if given := c.Query(paramTenant); given != "" {
		var err error
		if t, err = orak.ParseTenant(given); err != nil {
			return "", refuse(codeInvalidRequest, "tenant must be the name of a tenant.").because(err)
		}
	}
	if s.administersAll(c) {
		return t, nil
	}
	own, err := tenantOf(c)
	if err != nil {
		return "", err
	}
	if t != "" && t != own {
		return "", refuse(codeForeignTenant, "The credential only sees the settings of its own tenant.")
	}
	return own, nil
}

// getSettings lists the settings in effect.
func (s *Server) getSettings(c *fiber.Ctx) error {
	if err := checkParameters(c, []string{paramTenant}); err != nil {
		return err
	}
	t, err := s.settingsTenant(c)
	if err != nil {
		return err
	}
	if s.settings == nil {
		return errNoSettings
	}
	status := s.settings.Status()
	answer := resource.Settings{Live: status.Live, SnapshotAt: status.SnapshotAt, Tenant: t, Settings: s.inEffect(t)}
	for key, reason := range status.Refused {
		if s.administersAll(c) && !strings.HasPrefix(key, "key/") {
			answer.Refused = append(answer.Refused, resource.RefusedSetting{Key: key, Reason: reason})
		}
	}
	slices.SortFunc(answer.Refused, func(a, b resource.RefusedSetting) int { return strings.Compare(a.Key, b.Key) })
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(answer)
}

var errNoSettings = refuse(codeUnavailable, "This server does not manage settings.")

// inEffect returns the settings that apply to t, or with "" everywhere.
func (s *Server) inEffect(t orak.Tenant) []resource.Setting {
	// Before the values: a change in between then refuses the next one, and is not overwritten unseen.
	versions := make(map[string]int64)
	for _, known := range control.Settings() {
		versions[known.Name] = s.settings.Version(known.Name, t)
	}
	assigned := make(map[string]control.Assignment)
	for _, a := range s.settings.Assignments() { // those of everywhere come first
		if a.Tenant == "" || a.Tenant == t {
			assigned[a.Name] = a
		}
	}
	all := []resource.Setting{}
	for _, known := range control.Settings() {
		if t == "" || known.PerTenant {
			a, set := assigned[known.Name]
			all = append(all, s.setting(known, versions[known.Name], a, set))
		}
	}
	slices.SortFunc(all, func(a, b resource.Setting) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (s *Server) setting(known control.Setting, version int64, a control.Assignment, set bool) resource.Setting {
	r := resource.Setting{
		Name: known.Name, Value: known.Default, Default: known.Default, Source: sourceDefault, Range: known.Range, Help: known.Help,
		PerTenant: known.PerTenant, Version: version,
	}
	if flag, ok := s.settingDefaults[known.Name]; ok {
		r.Value, r.Default = flag, flag
	}
	if set {
		r.Value, r.Source, r.Tenant, r.By, r.At = a.Value, sourceSet, a.Tenant, a.By, a.At
	}
	return r
}

// putSetting sets a setting.
func (s *Server) putSetting(c *fiber.Ctx) error {
	change, err := s.changeOf(c, paramTenant)
	if err != nil {
		return err
	}
	var req resource.SettingRequest
	if err := decodeJSON(c, &req); err != nil {
		return err
	}
	change.Value, change.Seen = req.Value, req.Version
	return s.apply(c, change)
}

// deleteSetting unsets a setting.
func (s *Server) deleteSetting(c *fiber.Ctx) error {
	change, err := s.changeOf(c, paramTenant, paramVersion)
	if err != nil {
		return err
	}
	if change.Seen, err = strconv.ParseInt(c.Query(paramVersion), 10, 64); err != nil || change.Seen < 0 {
		return refuse(codeInvalidRequest, "version must be the version of the setting as it was listed.")
	}
	change.Unset = true
	return s.apply(c, change)
}

// changeOf reads which setting a request changes, and refuses callers who may not.
func (s *Server) changeOf(c *fiber.Ctx, known ...string) (control.Change, error) {
	if err := checkParameters(c, known); err != nil {
		return control.Change{}, err
	}
	name := c.Params("name")
	if _, ok := control.Find(name); !ok {
		return control.Change{}, refuse(codeNotFound, "There is no such setting.")
	}
	t, err := s.settingsTenant(c)
	switch {
	case err != nil:
		return control.Change{}, err
	case !s.administersAll(c):
		return control.Change{}, refuse(codeForeignTenant, "Only a credential for every tenant may change settings.")
	case s.settings == nil:
		return control.Change{}, errNoSettings
	}
	x := exchangeOf(c)
	x.subject = name
	if t != "" {
		x.subject += " for " + string(t)
	}
	return control.Change{Setting: name, Tenant: t, By: x.by("")}, nil
}

// apply makes the change and answers with the setting as it is then.
func (s *Server) apply(c *fiber.Ctx, change control.Change) error {
	if err := change.Check(); err != nil {
		return refuse(codeInvalidRequest, sentence(err.Error())).because(err)
	}
	_, err := s.settings.Apply(c.UserContext(), change)
	if conflict := (*control.Conflict)(nil); errors.As(err, &conflict) {
		return refuse(codeConflict, "Somebody else changed the setting meanwhile, or another one of the tenant. Read it again.").because(err)
	}
	if err != nil {
		return err
	}
	all := s.inEffect(change.Tenant)
	i := slices.IndexFunc(all, func(r resource.Setting) bool { return r.Name == change.Setting })
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Status(http.StatusOK).JSON(all[i])
}
