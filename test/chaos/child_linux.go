package main

import "syscall"

// childAttr keeps a child from the Ctrl-C that is meant for the driver, and
// has the kernel end it with the driver, however that ends.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
