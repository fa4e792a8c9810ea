// Command orak-standalone runs orak on one machine, in one process: the
// service and the servers that it needs.
//
//	orak-standalone up        everything
//	orak-standalone servers   only Temporal, its Web UI, Kafka and S3
//	orak-standalone down      end what runs on the data folder
package main

import (
	"errors"
	"fmt"
	"os"

	"orak/internal/config"
)

func main() { os.Exit(run(os.Args[1:])) }

// command is the command line.
type command struct {
	Up      upCommand      `cmd:"" help:"Run the service and the servers that it needs: Temporal, its Web UI, a Kafka broker and an S3 store."`
	Servers serversCommand `cmd:"" help:"Run the servers without the service."`
	Down    downCommand    `cmd:"" help:"End what runs on the data folder."`
}

func run(args []string) int {
	var cmd command
	loaded, err := config.Load(args, &cmd, config.Options{
		Name:        "orak-standalone",
		Description: "orak and the servers that it needs, in one process on loopback.",
		// One environment often serves orak's own commands too.
		Known: []string{"ORAK_SERVER", "ORAK_TENANT", "ORAK_API_KEY", "ORAK_API_KEY_FILE"},
	})
	if errors.Is(err, config.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "orak-standalone:", err)
		return 2
	}
	if err := loaded.Context.Run(loaded); err != nil {
		fmt.Fprintln(os.Stderr, "orak-standalone:", err)
		return 1
	}
	return 0
}
