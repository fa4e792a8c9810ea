package bridge

import (
	"errors"
	"fmt"
	"time"

	"orak/internal/kafka/consume"
)

// Config says how the bridge consumes and how it starts workflows.
type Config struct {
	consume.Config `embed:""`
	StartTimeout   time.Duration `help:"How long one try to start a workflow, or to write one dead letter, may take." default:"10s"`
	SlowStart      time.Duration `help:"A start of a workflow that takes longer shows that Temporal has too much to do: fewer are asked for at the same time then, and slowly more again, between 1 and the in-flight budget. 0 disables this." default:"500ms"`
	EagerStart     bool          `help:"Let a worker in the same process take the first step of a workflow without asking Temporal; no effect without one, and with worker-deployment." default:"true" negatable:""`
}

// Validate reports the first setting that cannot work.
func (c Config) Validate() error {
	if err := c.Config.Validate(); err != nil {
		return fmt.Errorf("bridge %w", err)
	}
	switch {
	case c.StartTimeout <= 0:
		return errors.New("bridge start timeout: want more than 0")
	case c.SlowStart < 0:
		return errors.New("bridge slow start: want 0 or more")
	default:
		return nil
	}
}
