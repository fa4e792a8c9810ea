package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"orak"
	"orak/api/resource"
	"orak/control"
	"orak/internal/app"
	"orak/internal/terminal"
)

type keysCmd struct {
	Create keysCreateCmd `cmd:"" help:"Make an API key, and print it once."`
	List   keysListCmd   `cmd:"" help:"List the API keys, without their secrets."`
	Rotate keysRotateCmd `cmd:"" help:"Give an API key a new secret, and print it once."`
	Revoke keysRevokeCmd `cmd:"" help:"End an API key, and its upload tokens, within 2 s."`
}

// keysFlags are those of every command about keys. They work with Kafka access, as orak
// settings does, and so without a key.
type keysFlags struct {
	Settings app.SettingsConfig `embed:""`

	JSON bool `name:"json" env:"-" help:"Print JSON."`
}

// do calls do with what manages the keys.
func (f *keysFlags) do(ctx context.Context, con *console, do func(app.APIKeys) error) error {
	con.JSON = f.JSON
	return con.asOutage(ctx, app.Keys(ctx, f.Settings, con.quietLog(), do))
}

type keysCreateCmd struct {
	keysFlags

	For       string        `env:"-" default:"default" placeholder:"TENANT" help:"Whose key it is; * may name any tenant."`
	Scopes    string        `env:"-" default:"upload,read" help:"What it permits: some of upload, read, operate, admin, separated by commas; or all."`
	Name      string        `env:"-" help:"A name for people, such as the app's."`
	Owner     string        `env:"-" help:"Whose recordings it sends and knows of, with the scopes upload and read at most; empty leaves that to each request."`
	ExpiresIn time.Duration `env:"-" help:"When it ends, such as 720h; 0 is never."`
	By        string        `env:"-" placeholder:"NAME" help:"Who makes it, for the record; by default the current user."`
}

// Help implements kong.HelpProvider.
func (keysCreateCmd) Help() string {
	return `It needs access to Kafka, and no key. The key is printed once, and kept nowhere: pipe it to where it belongs.

Examples:

    orak keys create --name 'choir app' --for choir
    orak keys create --name operators --for '*' --scopes all
    orak keys create --scopes upload --expires-in 720h --json | jq -r .key`
}

// Run makes the key.
func (k *keysCreateCmd) Run(ctx context.Context, con *console) error {
	if k.Scopes == "all" {
		k.Scopes = app.AllScopes()
	}
	n, err := app.NewAPIKey(k.Name, k.Owner, k.For, k.Scopes)
	if err == nil && k.ExpiresIn < 0 {
		err = errors.New("--expires-in is in the past")
	}
	if err != nil {
		return usageError(err)
	}
	if k.ExpiresIn > 0 {
		n.ExpiresAt = time.Now().Add(k.ExpiresIn)
	}
	return k.do(ctx, con, func(keys app.APIKeys) error {
		made, credential, err := keys.Create(ctx, n, k.Settings.By(byWhom(k.By)))
		if err != nil {
			return err
		}
		return con.newKey(made, credential)
	})
}

// newKey prints a key with its secret: the secret alone on standard output, so that it
// can be piped.
func (c *console) newKey(k control.Key, credential string) error {
	if c.JSON {
		return c.Value(resource.NewAPIKey{APIKey: app.APIKeyOf(k), Key: credential})
	}
	c.Tell("Key %s for tenant %s, with %s. It is shown only now:", k.ID, tenantName(k.Tenant), strings.Join(k.Scopes, ", "))
	c.Print("%s", credential)
	return nil
}

func tenantName(t orak.Tenant) string {
	if t == control.EveryTenant {
		return "* (every tenant)"
	}
	return string(t)
}

type keysListCmd struct {
	keysFlags

	For string `env:"-" placeholder:"TENANT" help:"Only the keys of one tenant."`
}

// Help implements kong.HelpProvider.
func (keysListCmd) Help() string {
	return `Examples:

    orak keys list
    orak keys list --for choir
    orak keys list --json | jq '.keys[] | select(.expires_at)'`
}

// Run lists the keys.
func (k *keysListCmd) Run(ctx context.Context, con *console) error {
	return k.do(ctx, con, func(keys app.APIKeys) error {
		t := control.EveryTenant
		if k.For != "" {
			t = orak.Tenant(k.For)
		}
		list := resource.APIKeys{Keys: []resource.APIKey{}}
		for _, key := range keys.List(t) {
			list.Keys = append(list.Keys, app.APIKeyOf(*key))
		}
		if con.JSON {
			return con.Value(list)
		}
		con.keys(list.Keys)
		return nil
	})
}

// keys prints keys, two lines for each.
func (c *console) keys(list []resource.APIKey) {
	if len(list) == 0 {
		c.Print("There are no keys. Make one with: orak keys create")
		return
	}
	for _, k := range list {
		name := k.Name
		if name == "" {
			name = "(no name)"
		}
		c.Print("%s  %s", c.Paint(terminal.Bold, k.ID), terminal.Clean(name))
		facts := []string{"tenant " + tenantName(k.Tenant), strings.Join(k.Scopes, ", ")}
		if k.Owner != "" {
			facts = append(facts, "owner "+k.Owner)
		}
		if !k.ExpiresAt.IsZero() {
			facts = append(facts, "until "+k.ExpiresAt.UTC().Format(time.DateTime))
		}
		if time.Now().Before(k.PreviousUntil) {
			facts = append(facts, "the secret before it until "+k.PreviousUntil.UTC().Format(time.DateTime))
		}
		facts = append(facts, "changed by "+k.ChangedBy+", "+c.Ago(k.ChangedAt))
		c.Print("  %s", c.Paint(terminal.Faint, terminal.Fit(terminal.Clean(strings.Join(facts, "; ")), c.Width-2)))
	}
}

type keysRotateCmd struct {
	keysFlags

	ID      string        `arg:"" help:"The id of the key; see orak keys list."`
	Overlap time.Duration `env:"-" default:"24h" help:"How long the old secret stays valid, at most 720h; 0 ends it at once."`
	By      string        `env:"-" placeholder:"NAME" help:"Who rotates it, for the record; by default the current user."`
}

// Help implements kong.HelpProvider.
func (keysRotateCmd) Help() string {
	return `Give the new secret to the app while both are valid. Of a leaked key, end the old secret at once.

Examples:

    orak keys rotate ID
    orak keys rotate ID --overlap 0s`
}

// Run rotates the key.
func (k *keysRotateCmd) Run(ctx context.Context, con *console) error {
	return k.do(ctx, con, func(keys app.APIKeys) error {
		rotated, credential, err := keys.Rotate(ctx, keyID(k.ID), k.Overlap, k.Settings.By(byWhom(k.By)))
		if err != nil {
			return err
		}
		return con.newKey(rotated, credential)
	})
}

// keyID returns the id of a key, which may be given as "key/ID", as it stands in records.
func keyID(given string) string { return strings.TrimPrefix(given, "key/") }

type keysRevokeCmd struct {
	keysFlags

	ID string `arg:"" help:"The id of the key; see orak keys list."`
	By string `env:"-" placeholder:"NAME" help:"Who revokes it, for the record; by default the current user."`
}

// Help implements kong.HelpProvider.
func (keysRevokeCmd) Help() string {
	return `Returns once the change is in Kafka. Every process refuses the key within 2 s.

Examples:

    orak keys revoke ID`
}

// Run revokes the key.
func (k *keysRevokeCmd) Run(ctx context.Context, con *console) error {
	id := keyID(k.ID)
	return k.do(ctx, con, func(keys app.APIKeys) error {
		if err := keys.Revoke(ctx, id, k.Settings.By(byWhom(k.By))); err != nil {
			return fmt.Errorf("revoking key %s: %w", terminal.Clean(id), err)
		}
		if con.JSON {
			return con.Value(struct {
				ID      string `json:"id"`
				Revoked bool   `json:"revoked"`
			}{id, true})
		}
		con.Print("%s Key %s is revoked.", con.Paint(terminal.Green, con.Marks.Done), terminal.Clean(id))
		return nil
	})
}
