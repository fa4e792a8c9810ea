package api

import (
	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/api/resource"
)

// tenantOf reads whose request it is: no header, or an empty one, means
// orak.DefaultTenant.
func tenantOf(c *fiber.Ctx) (orak.Tenant, error) {
	t, err := namedTenant(c)
	if err != nil {
		return "", err
	}
	if t == resource.EveryTenant {
		return "", refuse(codeInvalidTenant, resource.HeaderTenant+": * is for lists of dead letters and decisions about them; name one tenant here.")
	}
	exchangeOf(c).tenant = t
	return t, nil
}

// operatorTenant is tenantOf where an operator may also mean EveryTenant.
func (s *Server) operatorTenant(c *fiber.Ctx) (orak.Tenant, error) {
	t, err := namedTenant(c)
	if err != nil {
		return "", err
	}
	if t == resource.EveryTenant && !s.cfg.AllTenants {
		return "", refuse(codeAllTenantsOff, "Name one tenant in "+resource.HeaderTenant+". A server that is started with --api-all-tenants takes * there.")
	}
	exchangeOf(c).tenant = t
	return t, nil
}

// namedTenant is what the header says. Twice is refused, even where both are
// the same: a proxy and this server might each believe another one.
func namedTenant(c *fiber.Ctx) (orak.Tenant, error) {
	given, err := onlyHeader(c, resource.HeaderTenant)
	switch {
	case err != nil:
		return "", refuse(codeInvalidTenant, resource.HeaderTenant+" may be given once.")
	case given == "":
		return orak.DefaultTenant, nil
	case given == string(resource.EveryTenant):
		return resource.EveryTenant, nil
	}
	t, err := orak.ParseTenant(given)
	if err != nil {
		return "", refuse(codeInvalidTenant, resource.HeaderTenant+" must be 1 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit.")
	}
	return t, nil
}

// onlyHeader is the value of a header that may be given once; empty where it is
// absent.
func onlyHeader(c *fiber.Ctx, name string) (string, error) {
	switch given := c.Request().Header.PeekAll(name); len(given) {
	case 0:
		return "", nil
	case 1:
		return string(given[0]), nil // a copy
	default:
		return "", refuse(codeInvalidRequest, name+" may be given once.")
	}
}
