package api

import (
	"context"
	"strings"
	"time"

	"orak/internal/auth"
)

// Routes returns the method and path of each route.
func (s *Server) Routes() (all []string) {
	for _, r := range s.app.GetRoutes(true) {
		all = append(all, r.Method+" "+r.Path)
	}
	return all
}

// BreakListener ends the accept loop like a broken socket.
func (s *Server) BreakListener() error { return s.listener.Listener.Close() }

// Described returns the method, path and scope of each route that the contract
// describes, in its terms.
func Described() (all []string) {
	for _, r := range (&Server{}).table() {
		parts := strings.Split(r.path, "/")
		for i, part := range parts {
			if name, ok := strings.CutPrefix(part, ":"); ok {
				parts[i] = "{" + name + "}"
			}
		}
		all = append(all, r.method+" "+strings.Join(parts, "/")+" "+string(r.scope))
	}
	return all
}

// Problems returns the status and the title of each problem by its code.
func Problems() map[string][2]any {
	all := map[string][2]any{}
	for k, m := range meanings {
		all[string(k)] = [2]any{m.status, m.title}
	}
	return all
}

// Scopes returns the scope of each route, whose method and path are its key.
func Scopes() map[string]auth.Scope {
	all := map[string]auth.Scope{}
	for _, r := range (&Server{}).table() {
		all[r.method+" "+r.path] = r.scope
	}
	return all
}

// TakesTokens reports whether a route takes upload tokens.
func TakesTokens(described string) bool {
	for _, r := range (&Server{}).table() {
		if r.method+" "+r.path == described {
			return r.tokens
		}
	}
	return false
}

// Acts returns what each route is logged as when an operator uses it; empty for not.
func Acts() map[string]string {
	all := map[string]string{}
	for _, r := range (&Server{}).table() {
		all[r.method+" "+r.path] = r.act
	}
	return all
}

// ExpiredLoginCode makes a login code that was valid until now.
func ExpiredLoginCode(ctx context.Context, s *Server, key string) (string, error) {
	caller, err := s.logins.Login(ctx, key)
	if err != nil {
		return "", err
	}
	code, _, err := s.makeLoginCode(ctx, caller, time.Now().Add(-auth.LoginCodeLife))
	return string(code), err
}

// RemoveLoginCodes removes what was kept for login codes before then.
func RemoveLoginCodes(ctx context.Context, s *Server, before time.Time) error {
	return s.removeLoginCodes(ctx, before)
}

// BoundHistories bounds the events that are read for the history of an upload.
func BoundHistories(s *Server, events int) { s.historyEvents = events }
