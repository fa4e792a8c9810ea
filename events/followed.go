package events

import "time"

// Followed is a step of following TopicLifecycle.
type Followed struct {
	// Position says how far the topic is followed after this step. Any process goes on
	// from it. It is opaque, and at most a few hundred bytes.
	Position string
	// Lifecycle is the data of an event, and At its time; nil if only the position
	// moved.
	Lifecycle *Lifecycle
	At        time.Time
	// Lost means that events between the position that was given and this one cannot
	// be read any more.
	Lost bool
}
