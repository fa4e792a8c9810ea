package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
)

// consent are the flags of commands that say what they are about to do, and
// ask.
type consent struct {
	DryRun bool `env:"-" help:"Say what would be done, and do nothing."`
	Yes    bool `short:"y" env:"-" help:"Do not ask."`
}

// possible refuses to begin where a question would find nobody.
func (c consent) possible(con *console) error {
	if c.DryRun || c.Yes || !con.json && con.canAsk() {
		return nil
	}
	return usageError{errors.New("nobody can be asked here: add --yes to go ahead, or --dry-run to look")}
}

// canAsk says that a person is there to answer.
func (c *console) canAsk() bool { return c.live && isTerminal(c.in) }

// ask waits for a yes or anything else; ctx's end is an error.
func (c *console) ask(ctx context.Context, question string) (yes bool, err error) {
	word, err := c.answer(ctx, question+" [y/N] ")
	word = strings.ToLower(word)
	return word == "y" || word == "yes", err
}

// askFor waits for one certain word, which nobody types by habit.
func (c *console) askFor(ctx context.Context, question, word string) (yes bool, err error) {
	given, err := c.answer(ctx, fmt.Sprintf("%s Type %s to do so: ", question, word))
	return given == word, err
}

// answer is one line; ctx's end is an error.
func (c *console) answer(ctx context.Context, question string) (string, error) {
	fmt.Fprint(c.err, question)
	answer := make(chan string, 1)
	go func() {
		// An error is an end without an answer, which is a no.
		line, _ := bufio.NewReader(c.in).ReadString('\n')
		answer <- strings.TrimSpace(line)
	}()
	select {
	case line := <-answer:
		return line, nil
	case <-ctx.Done():
		c.tell("")
		return "", context.Cause(ctx)
	}
}
