package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// stopWithin bounds how long the broker may take to close its logs before it is killed.
const stopWithin = 20 * time.Second

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run starts the broker, then the command, and returns the command's exit
// status: 1 if the broker could not be started, 2 for wrong flags.
func run(args []string, stdout, stderr io.Writer) (code int) {
	flags := flag.NewFlagSet("kafka", flag.ContinueOnError)
	flags.SetOutput(stderr)
	address := flags.String("address", "127.0.0.1:0", "loopback `HOST:PORT` of the broker; port 0 takes a free one")
	jars := flags.String("jars", "bin", "`FOLDER` that keeps the broker's jars between runs")
	fetch := flags.Bool("fetch", false, "only fetch the broker's jars")
	env := flags.String("env", "ORAK_KAFKA_BROKERS", "`NAME` of the variable in which the command finds the broker's address")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	if *fetch {
		if _, err := fetchJars(ctx, jarsFolder(*jars), stderr); err != nil {
			fmt.Fprintln(stderr, "kafka:", err)
			return 1
		}
		return 0
	}
	begun := time.Now()
	broker, err := Start(ctx, Config{Address: *address, Jars: *jars, Log: stderr})
	if err != nil {
		fmt.Fprintln(stderr, "kafka:", err)
		return 1
	}
	defer func() {
		if err := broker.Stop(); err != nil {
			fmt.Fprintln(stderr, "kafka:", err)
			code = max(code, 1)
		}
	}()
	fmt.Fprintf(stdout, "Apache Kafka %s answers on %s after %.1f s\n", broker.Version, broker.Address, time.Since(begun).Seconds())

	if flags.NArg() == 0 {
		return wait(ctx, broker, stderr)
	}
	return command(ctx, broker, *env, flags.Args(), stdout, stderr)
}

// wait returns after a signal, or when the broker has ended.
func wait(ctx context.Context, broker *Broker, stderr io.Writer) int {
	select {
	case <-ctx.Done():
		return 0
	case <-broker.Exited():
		fmt.Fprintln(stderr, "kafka: the broker ended by itself:", broker.Tail())
		return 1
	}
}

// command runs args with the broker's address in its environment. If the
// command fails, it prints the end of the broker's log, which shows whether the
// broker died.
func command(ctx context.Context, broker *Broker, env string, args []string, stdout, stderr io.Writer) int {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.Env = append(os.Environ(), env+"="+broker.Address)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopWithin
	err := cmd.Run()
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "kafka: %v: %v\nThe broker's last lines:\n%s\n", args, err, broker.Tail())
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 0 {
		return exit.ExitCode()
	}
	return 1
}
