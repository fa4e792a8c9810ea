package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

// Help implements kong.HelpProvider.
func (completionCmd) Help() string {
	return `Prints code for the shell. Put one of these lines into the shell's start file:

Examples:

    source <(orak completion bash)        # in ~/.bashrc
    source <(orak completion zsh)         # in ~/.zshrc
    orak completion fish | source         # in ~/.config/fish/config.fish`
}

// hooks make the shells run this program with the line so far in COMP_LINE: bash and
// zsh run the command COMMAND, which they parse again, and fish runs PROGRAM.
var hooks = map[string]string{
	"bash": `complete -o default -o bashdefault -C COMMAND orak`,
	"zsh": `autoload -U +X bashcompinit && bashcompinit
complete -o default -o bashdefault -C COMMAND orak`,
	"fish": `function __orak_complete
    set -lx COMP_LINE (commandline -cp)
    PROGRAM
end
complete -c orak -a "(__orak_complete)"`,
}

// Run prints the code for a shell.
func (c *completionCmd) Run(con *console) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	word := shellWord(program)
	con.Print("%s", strings.NewReplacer("COMMAND", shellWord(word), "PROGRAM", word).Replace(hooks[c.Shell]))
	return nil
}

// shellWord quotes text as one word of a shell's line.
func shellWord(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// completes answers a shell that asks for completions, and ends the process then.
var completes = kong.PostBuild(func(app *kong.Kong) error {
	kongcompletion.Register(app, kongcompletion.WithExitFunc(os.Exit))
	return nil
})
