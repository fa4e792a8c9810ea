package orak

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Class says whose fault a failure is, and so what happens next. The set is
// closed: metric labels, search attributes and headers carry it.
type Class string

const (
	// ClassInput is the caller's file: not audio, corrupt, too long. It is
	// never retried.
	ClassInput Class = "input"
	// ClassTransient is this attempt alone: a timeout, a 5xx, a crash. It is
	// retried within the budget of attempts.
	ClassTransient Class = "transient"
	// ClassModel is the analysis itself failing on this file; retried as
	// ClassTransient is.
	ClassModel Class = "model"
	// ClassOverload is a model server that asks for patience (429, 503). It
	// is waited out and is no attempt.
	ClassOverload Class = "overload"
	// ClassDependency is a store, Kafka or model server that cannot be
	// reached, so that everything would fail. It is waited out and is no
	// attempt.
	ClassDependency Class = "dependency"
	// ClassInternal is ours: a panic, a broken invariant. It is never
	// retried.
	ClassInternal Class = "internal"
)

// Classes are all of them.
func Classes() []Class {
	return []Class{ClassInput, ClassTransient, ClassModel, ClassOverload, ClassDependency, ClassInternal}
}

// ParseClass checks s, which may come from anywhere, against Classes.
func ParseClass(s string) (Class, bool) { return Class(s), slices.Contains(Classes(), Class(s)) }

// Dependency names something that every upload needs. The set is closed:
// workflow ids and metric labels carry it.
type Dependency string

// The dependencies.
const (
	DependencyStore       Dependency = "store"
	DependencyKafka       Dependency = "kafka"
	DependencyTemporal    Dependency = "temporal"
	DependencyModelServer Dependency = "model-server"
	// DependencyAlertWebhook is where alerts are posted: the operators' chat.
	DependencyAlertWebhook Dependency = "alert-webhook"
	// DependencyConverter is this machine's ffmpeg and its scratch disk.
	DependencyConverter Dependency = "converter"
	// DependencyWorkflows is the workers' own code: it is away for an open
	// workflow whose workflow task fails again and again.
	DependencyWorkflows Dependency = "workflows"
)

// Failure is a failure as people outside the process see it.
type Failure struct {
	Stage Stage `json:"stage"`
	Class Class `json:"class"`
	// Message is safe for the upload's owner: no paths, hosts or secrets.
	// At most MaxMessage bytes.
	Message string `json:"message"`
	// Attempts is how many counted attempts were spent.
	Attempts int       `json:"attempts"`
	FirstAt  time.Time `json:"first_at"`
	LastAt   time.Time `json:"last_at"`
}

// MaxMessage bounds Failure.Message and Fault.Message, in bytes.
const MaxMessage = 500

// Fault is an error that knows its class. Packages under internal/ return one
// wherever they can tell whose fault an error is.
type Fault struct {
	Class Class
	// Message is for the upload's owner; see Failure.Message.
	Message string
	// Dependency is the server that cannot be reached or that asks for
	// patience, where Class is ClassDependency or ClassOverload and it is known.
	Dependency Dependency
	// RetryAfter is how long to wait at least before the next attempt, where
	// the other side said so; zero otherwise.
	RetryAfter time.Duration
	// Suspect says that the dependency had the recording in hand when it failed,
	// so that the recording may be the cause. It is tried alone from then on.
	Suspect bool
	// Err is the detail, for the log alone. It may be nil.
	Err error
}

// Error has the detail: it is for logs, never for the upload's owner.
func (f *Fault) Error() string {
	if f.Err == nil {
		return f.Message
	}
	return fmt.Sprintf("%s: %v", f.Message, f.Err)
}

// Unwrap gives the detail to errors.Is and errors.As.
func (f *Fault) Unwrap() error { return f.Err }

// AsFault finds the Fault in err's chain, or makes one. What nobody
// classified counts as transient: it is retried, and cannot be retried for
// ever. A nil err gives nil.
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
