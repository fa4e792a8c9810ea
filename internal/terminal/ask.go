package terminal

import (
	"bufio"
	"context"
	"fmt"
	"strings"
)

// CanAsk reports whether a person is there to answer.
func (t *Terminal) CanAsk() bool { return !t.JSON && t.Live && Is(t.In) }

// Ask returns true for a yes, and an error when ctx ends first.
func (t *Terminal) Ask(ctx context.Context, question string) (yes bool, err error) {
	word, err := t.answer(ctx, question+" [y/N] ")
	word = strings.ToLower(word)
	return word == "y" || word == "yes", err
}

// AskFor is Ask with one certain word as the yes, which nobody types by habit.
func (t *Terminal) AskFor(ctx context.Context, question, word string) (yes bool, err error) {
	given, err := t.answer(ctx, fmt.Sprintf("%s Type %s to confirm: ", question, word))
	return given == word, err
}

func (t *Terminal) answer(ctx context.Context, question string) (string, error) {
	fmt.Fprint(t.Err, question)
	answer := make(chan string, 1)
	go func() {
		// An error is an end without an answer, which is a no.
		line, _ := bufio.NewReader(t.In).ReadString('\n')
		answer <- strings.TrimSpace(line)
	}()
	select {
	case line := <-answer:
		return line, nil
	case <-ctx.Done():
		t.Tell("")
		return "", context.Cause(ctx)
	}
}
