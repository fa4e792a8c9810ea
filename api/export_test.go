package api

import "strings"

// Routes returns the method and path of each route.
func (s *Server) Routes() (all []string) {
	for _, r := range s.app.GetRoutes(true) {
		all = append(all, r.Method+" "+r.Path)
	}
	return all
}

// BreakListener ends the accept loop like a broken socket.
func (s *Server) BreakListener() error { return s.listener.Listener.Close() }

// Described returns the method and path of each route that the contract describes, in
// its terms.
func Described() (all []string) {
	for _, r := range (&Server{}).table() {
		parts := strings.Split(r.path, "/")
		for i, part := range parts {
			if name, ok := strings.CutPrefix(part, ":"); ok {
				parts[i] = "{" + name + "}"
			}
		}
		all = append(all, r.method+" "+strings.Join(parts, "/"))
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
