package main

import (
	"errors"
)

// consent has the flags of commands that ask before they change anything.
type consent struct {
	DryRun bool `env:"-" help:"Print what would be done, and do nothing."`
	Yes    bool `short:"y" env:"-" help:"Do not ask."`
}

// checkAsk returns an error where the command would have to ask and nobody can
// answer.
func (c consent) checkAsk(con *console) error {
	if c.DryRun || c.Yes || con.CanAsk() {
		return nil
	}
	return usageError(errors.New("this is not a terminal to ask at: add --yes to go ahead, or --dry-run to look first"))
}
