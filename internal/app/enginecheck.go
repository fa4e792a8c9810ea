package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orak/internal/modelserver"
	"orak/internal/modelserver/conformance"
)

// EngineTarget is a model server that is to be checked.
type EngineTarget = conformance.Target

// EngineCheck is what one check said.
type EngineCheck = conformance.Check

// CheckEngine holds a model server to the contract. An error is one of the
// target itself; what the server does wrong is in the checks.
func CheckEngine(ctx context.Context, target EngineTarget, report func(EngineCheck)) error {
	if target.URL == "" {
		return errors.New("checking a model server: want its URL")
	}
	cfg := modelserver.Config{URL: target.URL, Timeout: target.Timeout, Window: time.Minute}
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("checking a model server: %w", err)
	}
	conformance.Run(ctx, target, report)
	return nil
}
