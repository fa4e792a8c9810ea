package main

import (
	"errors"
)

// consent are the flags of commands that say what they are about to do, and
// ask.
type consent struct {
	DryRun bool `env:"-" help:"Say what would be done, and do nothing."`
	Yes    bool `short:"y" env:"-" help:"Do not ask."`
}

// possible refuses to begin where a question would find nobody.
func (c consent) possible(con *console) error {
	if c.DryRun || c.Yes || con.CanAsk() {
		return nil
	}
	return usageError{errors.New("nobody can be asked here: add --yes to go ahead, or --dry-run to look")}
}
