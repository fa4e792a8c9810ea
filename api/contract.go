package api

import (
	"crypto/sha256"
	_ "embed" // the contract is part of the binary
	"encoding/hex"

	"github.com/gofiber/fiber/v2"
)

// contract is the OpenAPI document of the API.
//
//go:embed openapi.yaml
var contract []byte

// getContract answers with the OpenAPI document.
func (s *Server) getContract(c *fiber.Ctx) error {
	sum := sha256.Sum256(contract)
	if notModified(c, hex.EncodeToString(sum[:8])) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, "application/yaml")
	return c.Send(contract)
}
