package orak

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Class says what is at fault in a failure, and so what happens next. The set is
// closed: metric labels, search attributes and headers carry it.
type Class string

const (
	// ClassInput is a fault of the file: not audio, corrupt, too long. It is never
	// retried.
	ClassInput Class = "input"
	// ClassTransient is a fault of this attempt only: a timeout, a 5xx, a crash. It
	// is retried within the retry budget.
	ClassTransient Class = "transient"
	// ClassModel is a failure of the analysis of this file. It is retried like
	// ClassTransient.
	ClassModel Class = "model"
	// ClassOverload is a model server that is overloaded (429, 503). The upload
	// waits, and no attempt is counted.
	ClassOverload Class = "overload"
	// ClassDependency is a dependency that cannot be reached, so that every upload
	// would fail. The upload waits, and no attempt is counted.
	ClassDependency Class = "dependency"
	// ClassInternal is a fault of orak: a panic, a broken invariant. It is never
	// retried.
	ClassInternal Class = "internal"
)

// Classes returns all classes.
func Classes() []Class {
	return []Class{ClassInput, ClassTransient, ClassModel, ClassOverload, ClassDependency, ClassInternal}
}

// ParseClass returns untrusted s as a Class; ok is false if it is not one.
func ParseClass(s string) (c Class, ok bool) { return Class(s), slices.Contains(Classes(), Class(s)) }

// Dependency names a server or program that uploads need. The set is closed:
// workflow ids and metric labels carry it.
type Dependency string

// The dependencies.
const (
	DependencyStore       Dependency = "store"
	DependencyKafka       Dependency = "kafka"
	DependencyTemporal    Dependency = "temporal"
	DependencyModelServer Dependency = "model-server"
	// DependencyAlertWebhook is the operators' chat, to which alerts are posted.
	DependencyAlertWebhook Dependency = "alert-webhook"
	// DependencyConverter is this machine's ffmpeg and its scratch disk.
	DependencyConverter Dependency = "converter"
	// DependencyWorkflows is the workers' own code. It counts as unavailable while
	// the workflow task of an open workflow fails repeatedly.
	DependencyWorkflows Dependency = "workflows"
)

// Dependencies returns all dependencies.
func Dependencies() []Dependency {
	return []Dependency{DependencyStore, DependencyKafka, DependencyTemporal, DependencyModelServer,
		DependencyAlertWebhook, DependencyConverter, DependencyWorkflows}
}

// Failure is a failure as it is stored and shown.
type Failure struct {
	Stage Stage `json:"stage"`
	Class Class `json:"class"`
	// Message is safe to show to the upload's owner: it has no paths, hosts or
	// secrets. It has at most MaxMessage bytes.
	Message string `json:"message"`
	// Attempts is the number of counted attempts.
	Attempts int       `json:"attempts"`
	FirstAt  time.Time `json:"first_at"`
	LastAt   time.Time `json:"last_at"`
}

// MaxMessage bounds Failure.Message and Fault.Message, in bytes.
const MaxMessage = 500

// Fault is an error with a class. Packages under internal/ return one wherever they
// know what is at fault.
type Fault struct {
	Class Class
	// Message is for the upload's owner; see Failure.Message.
	Message string
	// Dependency is the dependency that is unavailable or overloaded, if Class is
	// ClassDependency or ClassOverload; empty if it is not known.
	Dependency Dependency
	// RetryAfter is the shortest wait before the next attempt that the other side
	// asked for; zero if it did not.
	RetryAfter time.Duration
	// Suspect means that the dependency was processing the recording when it failed,
	// so that the recording may be the cause. From then on it is analyzed alone.
	Suspect bool
	// Err is the detail, for logs only. It may be nil.
	Err error
}

// Error returns the message and the detail. It is for logs, never for the upload's
// owner.
func (f *Fault) Error() string {
	if f.Err == nil {
		return f.Message
	}
	return fmt.Sprintf("%s: %v", strings.TrimSuffix(f.Message, "."), f.Err)
}

// Unwrap returns the detail, for errors.Is and errors.As.
func (f *Fault) Unwrap() error { return f.Err }

// AsFault returns the Fault in the chain of err, or makes one. An error without
// a class counts as transient, so that it is retried, but not for ever. For a nil
// err it returns nil.
func AsFault(err error) *Fault {
	if err == nil {
		return nil
	}
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &Fault{Class: ClassTransient, Message: "This step took too long.", Err: err}
	}
	return &Fault{Class: ClassTransient, Message: "This step failed unexpectedly.", Err: err}
}
