package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orak/internal/app"
	"orak/internal/terminal"
)

type engineCmd struct {
	Check engineCheckCmd `cmd:"" help:"Check that a model server keeps the contract."`
}

type engineCheckCmd struct {
	URL      string        `arg:"" help:"Base URL of the model server, such as http://127.0.0.1:8090."`
	Protocol string        `env:"-" enum:"http,oip" default:"http" help:"Protocol of the server: http is orak's own contract, oip the Open Inference Protocol."`
	Model    string        `env:"-" default:"orak-pitch" help:"Name of the model, for oip."`
	Timeout  time.Duration `env:"-" default:"1m" help:"Time limit of one answer."`
	JSON     bool          `name:"json" env:"-" help:"Print JSON: {\"ok\": …, \"checks\": […]}."`
	// Access has the workers' settings.
	Access app.EngineAccess `embed:"" prefix:"model-server-"`
}

// Help implements kong.HelpProvider.
func (engineCheckCmd) Help() string {
	return `Sends recordings with known content, hostile input, and more requests at once than the server accepts, and prints
whether each answer was right. The contract is docs/model-server.md. The exit code is 1 if an answer was wrong.

Examples:

    orak engine check http://127.0.0.1:8090
    orak engine check http://triton:8000 --protocol oip --model pitch
    orak engine check https://models:8443 --model-server-tls-ca ca.pem    # and ORAK_MODEL_SERVER_TOKEN
    orak engine check http://127.0.0.1:8090 --json | jq '.checks[] | select(.ok | not)'`
}

// Validate is called by kong.
func (e *engineCheckCmd) Validate() error {
	if e.Timeout < time.Second {
		return errors.New("--timeout: want at least 1s")
	}
	return nil
}

// errNotConforming is returned when the checks have printed what is wrong.
var errNotConforming = errors.New("the model server does not keep the contract")

// Run makes the checks and prints each when it is done.
func (e *engineCheckCmd) Run(ctx context.Context, con *console) error {
	con.JSON = e.JSON
	var all []app.EngineCheck
	failed := 0
	err := app.CheckEngine(ctx, app.EngineTarget{URL: e.URL, OIP: e.Protocol == "oip", Model: e.Model, Timeout: e.Timeout, Access: e.Access}, func(c app.EngineCheck) {
		all = append(all, c)
		if !c.OK {
			failed++
		}
		if !con.JSON {
			con.engineCheck(c)
		}
	})
	switch {
	case err != nil:
		return usageError(err)
	case ctx.Err() != nil:
		return ctx.Err()
	case con.JSON:
		err = con.Value(struct {
			OK     bool              `json:"ok"`
			Checks []app.EngineCheck `json:"checks"`
		}{failed == 0, all})
	case failed == 0:
		con.Print("%d checks, all ok", len(all))
	default:
		con.Print("%d checks, %d failed", len(all), failed)
	}
	if err == nil && failed > 0 {
		return printedError{errNotConforming}
	}
	return err
}

// engineCheck prints one check.
func (c *console) engineCheck(check app.EngineCheck) {
	word, style := "ok", terminal.Green
	if !check.OK {
		word, style = "failed", terminal.Red
	}
	c.Print("%s %s  %s", c.Paint(style, terminal.Pad(word, 6)), terminal.Pad(check.Name, 52), terminal.Clean(fmt.Sprintf("%.300s", check.Why)))
}
