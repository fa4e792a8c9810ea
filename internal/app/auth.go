package app

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"orak"
	"orak/api"
	"orak/api/resource"
	"orak/control"
	"orak/internal/auth"
)

// callers returns what authenticates the requests of the API.
func (a *App) callers(ctx context.Context) (auth.Authenticator, error) {
	if err := a.cfg.Auth.CheckAddr(a.cfg.API.Addr); err != nil {
		return nil, err
	}
	switch a.cfg.Auth.Mode {
	case auth.ModeNone:
		a.log.WarnContext(ctx, "the API does not authenticate its callers: every program on this machine may do everything")
		return auth.Open{}, nil
	case auth.ModeGateway:
		return auth.Gateway{}, nil
	default:
		return a.required()
	}
}

// required returns what demands a key, a token, or a JWT where an issuer is configured.
func (a *App) required() (auth.Authenticator, error) {
	r := auth.Required{Keys: a.control}
	if !a.cfg.Auth.JWT.Enabled() {
		return r, nil
	}
	jwts, err := auth.NewJWTs(a.cfg.Auth.JWT, auth.JWTDeps{Log: a.log, Metrics: a.registry()})
	if err != nil {
		return nil, err
	}
	r.JWT = jwts
	if a.cfg.Auth.OIDC.Enabled() {
		r.OIDC, err = auth.NewOIDC(a.cfg.Auth.OIDC, jwts)
	}
	return r, err
}

// Keys manages the API keys, on the documents that the process follows.
func (a *App) Keys() *auth.Keys {
	return auth.NewKeys(a.control, control.NewWriter(a.cfg.Kafka, a.control, a.log))
}

// APIKeys manages the API keys.
type APIKeys = *auth.Keys

// AllScopes are the names of all scopes, separated by commas.
func AllScopes() string {
	var names []string
	for _, s := range auth.Scopes {
		names = append(names, string(s))
	}
	return strings.Join(names, ",")
}

// NewAPIKey returns what a new key is for, or an error that says what is wrong with it.
func NewAPIKey(name, owner, tenant, scopes string) (auth.NewKey, error) {
	n := auth.NewKey{Name: name, Owner: owner, Tenant: orak.Tenant(tenant)}
	if _, err := orak.ParseTenant(tenant); err != nil && n.Tenant != auth.EveryTenant {
		return n, fmt.Errorf("tenant: %w", err)
	}
	var err error
	n.Scopes, err = auth.ParseScopes(scopes)
	return n, err
}

// APIKeyOf returns a key as commands and the API show it.
func APIKeyOf(k control.Key) resource.APIKey { return api.KeyResource(k) }

// Keys calls do with what manages the API keys, and disconnects afterwards.
func Keys(ctx context.Context, cfg SettingsConfig, log *slog.Logger, do func(APIKeys) error) error {
	return Settings(ctx, cfg, log, func(v *control.View, w *control.Writer) error { return do(auth.NewKeys(v, w)) })
}
