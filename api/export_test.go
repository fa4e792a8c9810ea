package api

// Routes returns the method and path of each route.
func (s *Server) Routes() (all []string) {
	for _, r := range s.app.GetRoutes(true) {
		all = append(all, r.Method+" "+r.Path)
	}
	return all
}

// BreakListener ends the accept loop like a broken socket.
func (s *Server) BreakListener() error { return s.listener.Listener.Close() }
