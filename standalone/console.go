package main

import (
	"context"
	"os"
	"strings"

	"orak/client"
)

// consoleAddress returns the address of the console, with a code that logs in once where
// people log in. A key that was revoked makes none: the page then asks for another.
func consoleAddress(ctx context.Context, api, keyFile string) (address string, logsIn bool) {
	plain := api + "/"
	if keyFile == "" {
		return plain, false
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return plain, false
	}
	cl, err := client.New(client.Config{Server: api, APIKey: strings.TrimSpace(string(key))})
	if err != nil {
		return plain, false
	}
	code, err := cl.LoginCode(ctx)
	if err != nil {
		return plain, false
	}
	return api + code.URL, true
}
