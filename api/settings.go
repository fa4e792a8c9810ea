package api

import "github.com/gofiber/fiber/v2"

// notYet answers routes that are described and not built.
func (s *Server) notYet(*fiber.Ctx) error {
	return refuse(codeUnavailable, "This server does not answer this yet.")
}
