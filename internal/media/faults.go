package media

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"syscall"

	"orak"
)

// errTooSlow is the cause when a conversion exceeds Config.Timeout.
var errTooSlow = errors.New("the conversion's time limit ran out")

func inputFault(message string, err error) error {
	return &orak.Fault{Class: orak.ClassInput, Message: message, Err: err}
}

func internalFault(err error) error {
	return &orak.Fault{Class: orak.ClassInternal, Message: "The recording could not be converted because of a fault of ours.", Err: err}
}

func transientFault(err error) error {
	return &orak.Fault{Class: orak.ClassTransient, Message: "The conversion was interrupted.", Err: err}
}

// diskFault classifies an error of this process's own file operations.
func diskFault(doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fullDisk(err)
	}
	return transientFault(err)
}

func fullDisk(err error) error {
	return &orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyConverter, Message: "There is no room to convert recordings at the moment.", Err: err}
}

func missingProgram(err error) error {
	return &orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyConverter, Message: "The converter is not available at the moment.", Err: err}
}

// runFault classifies an error of run that the file did not cause. ok is false
// when nothing points to this side, so that the file is the cause.
func runFault(err error) (f error, ok bool) {
	switch {
	case errors.Is(err, errTooSlow):
		return &orak.Fault{Class: orak.ClassTransient, Message: "The conversion took too long.", Err: err}, true
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &orak.Fault{Class: orak.ClassTransient, Message: "The conversion was stopped before its end.", Err: err}, true
	}
	var child *childError
	if !errors.As(err, &child) {
		return transientFault(err), true
	}
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return missingProgram(err), true
	case child.exitCode() == 126, child.exitCode() == 127:
		// The exit status of a shell or the dynamic linker for a broken installation.
		return missingProgram(err), true
	case child.says("Unrecognized option", "Option not found", "Unknown input format", "Unknown encoder", "No such filter"):
		// The arguments are ours: this build of ffmpeg lacks a feature.
		return missingProgram(err), true
	case child.says("No space left on device", "Disk quota exceeded"):
		return fullDisk(err), true
	case child.signaled(), child.exitCode() < 0:
		return transientFault(err), true
	case child.says("Cannot allocate memory", "Input/output error", "Too many open files", "Resource temporarily unavailable", "Permission denied"):
		return transientFault(err), true
	}
	return nil, false
}
