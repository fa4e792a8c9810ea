package api

import (
	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/api/resource"
)

// tenantOf is the tenant of the caller.
func tenantOf(c *fiber.Ctx) (orak.Tenant, error) {
	t := exchangeOf(c).caller.Tenant
	if t == resource.EveryTenant {
		return "", refuse(codeInvalidTenant, resource.HeaderTenant+": * is only for lists of dead letters and decisions about them; name one tenant here.")
	}
	exchangeOf(c).tenant = t
	return t, nil
}

// operatorTenant is tenantOf for operators, who may also send EveryTenant.
func (s *Server) operatorTenant(c *fiber.Ctx) (orak.Tenant, error) {
	t := exchangeOf(c).caller.Tenant
	if t == resource.EveryTenant && !s.cfg.AllTenants && !exchangeOf(c).caller.EveryTenant {
		return "", refuse(codeAllTenantsOff, "Name one tenant in "+resource.HeaderTenant+". Only a key for every tenant, or a server with --api-all-tenants, accepts *.")
	}
	exchangeOf(c).tenant = t
	return t, nil
}

// namedTenant reads the header. Without it, or with an empty one, the tenant is "".
// A repeated header is refused even if the values are
// equal: a proxy and this server might each use another one.
func namedTenant(c *fiber.Ctx) (orak.Tenant, error) {
	given, err := onlyHeader(c, resource.HeaderTenant)
	switch {
	case err != nil:
		return "", refuse(codeInvalidTenant, resource.HeaderTenant+" may be given only once.")
	case given == "":
		return "", nil
	case given == string(resource.EveryTenant):
		return resource.EveryTenant, nil
	}
	t, err := orak.ParseTenant(given)
	if err != nil {
		return "", refuse(codeInvalidTenant, resource.HeaderTenant+" must be 1 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit.")
	}
	return t, nil
}

// onlyHeader returns the value of a header, or "" if it is absent, and refuses a
// repeated one.
func onlyHeader(c *fiber.Ctx, name string) (string, error) {
	switch given := c.Request().Header.PeekAll(name); len(given) {
	case 0:
		return "", nil
	case 1:
		return string(given[0]), nil // a copy
	default:
		return "", refuse(codeInvalidRequest, name+" may be given only once.")
	}
}
