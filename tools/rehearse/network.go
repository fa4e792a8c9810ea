package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// ownNetwork is the label of a service that gets a network namespace of its own, as a
// container has one, and can so be cut off from all others while it lives:
//
//	labels: {orak.rehearsal.network: own}
const ownNetwork = "orak.rehearsal.network"

// network is where the addresses of a rehearsal are: on loopback in 127.30.N.0/24, and
// those of services with a namespace of their own in 10.230.N.0/24, on a bridge.
type network struct {
	number int
	// namespaces says that namespaces can be made.
	namespaces bool
}

// claimNetwork takes the first number that no other rehearsal on this machine has, until
// release.
func claimNetwork() (n network, release func(), err error) {
	const claim = "19999"
	for i := range 256 {
		n = network{number: i, namespaces: canMakeNamespaces()}
		var listener net.Listener
		if listener, err = net.Listen("tcp", n.loopback(1)+":"+claim); err == nil {
			return n, func() { listener.Close() }, nil
		}
	}
	return n, nil, fmt.Errorf("finding a free loopback network: %w", err)
}

// canMakeNamespaces reports whether this process has the right and the program for it,
// on a kind of processor whose system call is known.
func canMakeNamespaces() bool {
	_, err := exec.LookPath("ip")
	return err == nil && os.Geteuid() == 0 && sysSetns != 0
}

func (n network) loopback(host int) string { return fmt.Sprintf("127.30.%d.%d", n.number, host) }

func (n network) bridged(host int) string { return fmt.Sprintf("10.230.%d.%d", n.number, host) }

// gateway is the host number of this machine on the bridge.
const gateway = 1

func (n network) bridge() string { return fmt.Sprintf("orak%d", n.number) }

// place gives a service its address, and its namespace if it asks for one and there can
// be one.
func (n network) place(own bool, host int) placement {
	if !own || !n.namespaces {
		return placement{address: n.loopback(host)}
	}
	link := fmt.Sprintf("%s-%d", n.bridge(), host)
	return placement{address: n.bridged(host), link: link, namespace: link}
}

// placement is where a service is reached. link is the interface of this machine that
// leads to its namespace; both are empty on loopback.
type placement struct{ address, link, namespace string }

// build makes the bridge and the namespaces of the services that have one, after it
// removed what a rehearsal that was killed has left.
func (n network) build(ctx context.Context, services []*service) error {
	apart := apart(services)
	if len(apart) == 0 {
		return nil
	}
	n.remove(apart)
	steps := [][]string{
		{"link", "add", n.bridge(), "type", "bridge"},
		{"addr", "add", n.bridged(gateway) + "/24", "dev", n.bridge()},
		{"link", "set", n.bridge(), "up"},
	}
	for _, s := range apart {
		steps = append(steps,
			[]string{"netns", "add", s.namespace},
			[]string{"link", "add", s.link, "type", "veth", "peer", "name", "eth0", "netns", s.namespace},
			[]string{"link", "set", s.link, "master", n.bridge(), "up"},
			[]string{"-n", s.namespace, "addr", "add", s.address + "/24", "dev", "eth0"},
			[]string{"-n", s.namespace, "link", "set", "eth0", "up"},
			[]string{"-n", s.namespace, "link", "set", "lo", "up"},
		)
	}
	for _, step := range steps {
		if err := ip(ctx, step...); err != nil {
			n.remove(apart)
			return err
		}
	}
	return nil
}

// remove removes the bridge and the namespaces, as far as they exist.
func (n network) remove(apart []*service) {
	for _, s := range apart {
		_ = ip(context.Background(), "netns", "delete", s.namespace)
		_ = ip(context.Background(), "link", "delete", s.link) // goes with the namespace once its last process has ended
	}
	_ = ip(context.Background(), "link", "delete", n.bridge())
}

// apart are the services with a namespace of their own.
func apart(services []*service) (found []*service) {
	for _, s := range services {
		if s.namespace != "" {
			found = append(found, s)
		}
	}
	return found
}

// together names the services that should have a namespace of their own, and have none.
func together(services []*service) (names []string) {
	for _, s := range services {
		if s.Labels[ownNetwork] == "own" && s.namespace == "" {
			names = append(names, s.Name)
		}
	}
	return names
}

func ip(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// within runs do in a network namespace; an empty one is that of this process. The
// caller's goroutine must be locked to its thread, which is back in its own namespace
// afterwards, or the error is errStray.
func within(namespace string, do func() error) error {
	if namespace == "" {
		return do()
	}
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return fmt.Errorf("finding the own network namespace: %w", err)
	}
	defer own.Close()
	other, err := os.Open(filepath.Join("/run/netns", namespace))
	if err != nil {
		return fmt.Errorf("finding a network namespace: %w", err)
	}
	defer other.Close()
	if err := enter(other); err != nil {
		return err
	}
	err = do()
	if back := enter(own); back != nil {
		return errors.Join(err, errStray, back)
	}
	return err
}

// errStray means that a thread is left in another namespace.
var errStray = errors.New("the thread could not return to its network namespace")

func enter(namespace *os.File) error {
	if _, _, errno := syscall.RawSyscall(sysSetns, namespace.Fd(), syscall.CLONE_NEWNET, 0); errno != 0 {
		return fmt.Errorf("entering a network namespace: %w", errno)
	}
	return nil
}

// sysSetns is the number of the system call setns, which package syscall lacks; 0 where
// it is not known.
var sysSetns = map[string]uintptr{"amd64": 308, "arm64": 268}[runtime.GOARCH]
