package main

import (
	"fmt"
	"os"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
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

// attributes are those of a service's process, which reads the given paths. It has its
// own process group, so that Ctrl-C reaches only this program, and dies with it.
func (u *user) attributes(paths ...string) *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if u == nil {
		return attributes
	}
	attributes.Credential = &syscall.Credential{Uid: u.uid, Gid: u.gid}
	for _, path := range paths {
		if !reachable(path) {
			// A repository below /root.
			attributes.AmbientCaps = []uintptr{unix.CAP_DAC_READ_SEARCH}
		}
	}
	return attributes
}

// reachable reports whether every user may enter the folders above a path.
func reachable(path string) bool {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}
