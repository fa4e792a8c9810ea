package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// maxSecret bounds a secret that is read, in bytes.
const maxSecret = 16 << 10

// ReadSecret asks for a secret without showing it, or reads the first line of In where
// that is no terminal. The error is io.EOF if nothing came.
func (t *Terminal) ReadSecret(ctx context.Context, question string) (string, error) {
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1) // a terminal cannot be read with a deadline
	restore := func() {}
	f, isFile := t.In.(*os.File)
	if isFile && Is(t.In) {
		fmt.Fprint(t.Err, question+" ")
		state, err := term.GetState(int(f.Fd()))
		if err != nil {
			return "", fmt.Errorf("asking: %w", err)
		}
		restore = func() { _ = term.Restore(int(f.Fd()), state) }
		go func() {
			text, err := term.ReadPassword(int(f.Fd()))
			read <- line{string(text), err}
		}()
	} else {
		go func() {
			text, err := bufio.NewReader(io.LimitReader(t.In, maxSecret)).ReadString('\n')
			if text != "" && errors.Is(err, io.EOF) {
				err = nil
			}
			read <- line{text, err}
		}()
	}
	select {
	case l := <-read:
		if isFile && Is(t.In) {
			fmt.Fprintln(t.Err)
		}
		return strings.TrimSpace(l.text), l.err
	case <-ctx.Done():
		restore()
		return "", ctx.Err()
	}
}
