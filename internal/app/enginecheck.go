package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orak/internal/modelserver"
	"orak/internal/modelserver/conformance"
)

// EngineTarget is the model server to check.
type EngineTarget = conformance.Target

// EngineCheck is the result of one check.
type EngineCheck = conformance.Check

// CheckEngine checks a model server against the contract and reports each check.
// It returns an error only for a target that cannot be used.
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
