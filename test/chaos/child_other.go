//go:build !linux

package main

import "syscall"

// childAttr keeps a child from the Ctrl-C that is meant for the driver.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
