package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// user is whom services run as when root rehearses, since PostgreSQL refuses root and
// no image of ours runs as root. A nil user stands for the one who rehearses.
type user struct{ uid, gid uint32 }

// unprivileged returns the user "nobody" for root, else nil.
func unprivileged() (*user, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	found, err := osuser.Lookup("nobody")
	if err != nil {
		return nil, fmt.Errorf("finding an unprivileged user: %w", err)
	}
	uid, err := strconv.ParseUint(found.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("reading the id of nobody: %w", err)
	}
	gid, err := strconv.ParseUint(found.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("reading the group of nobody: %w", err)
	}
	return &user{uid: uint32(uid), gid: uint32(gid)}, nil
}

// own gives a file or folder to the user.
func (u *user) own(path string) error {
	if u == nil {
		return nil
	}
	if err := os.Chown(path, int(u.uid), int(u.gid)); err != nil {
		return fmt.Errorf("giving a file to the services' user: %w", err)
	}
	return nil
}

// command prepares a process of the user that runs argv in a folder, and reads files of
// the repository at root, such as Kafka's jars. It has its own
// process group, so that Ctrl-C reaches only this program, and dies with it.
func (u *user) command(ctx context.Context, dir, root string, argv []string) *exec.Cmd {
	attributes := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	switch {
	case u == nil:
	case reachable(argv[0]) && reachable(filepath.Join(root, "bin")):
		attributes.Credential = &syscall.Credential{Uid: u.uid, Gid: u.gid}
	default:
		// A program below /root. The user may then read every file; Go cannot give that
		// to a child before it has to find the program.
		argv = append([]string{
			"setpriv", "--reuid", strconv.FormatUint(uint64(u.uid), 10), "--regid", strconv.FormatUint(uint64(u.gid), 10), "--clear-groups",
			"--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search", "--pdeathsig", "KILL", "--",
		}, argv...)
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.SysProcAttr = attributes
	return cmd
}

// reachable reports whether every user may enter the folders above a path, as far as
// they exist.
func reachable(path string) bool {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err == nil && info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}
