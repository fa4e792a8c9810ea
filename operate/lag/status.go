package lag

// Status is what the movement of a partition, or of a group, says about its
// consumer.
type Status string

// The statuses. ERROR is a group's alone; STOP, STALL and REWIND a
// partition's.
const (
	// StatusOK: no backlog, or one that shrinks.
	StatusOK Status = "OK"
	// StatusUnknown: there is a backlog, and not yet enough samples to tell
	// how it moves.
	StatusUnknown Status = "UNKNOWN"
	// StatusWarn: records are read, and more come in.
	StatusWarn Status = "WARN"
	// StatusStall: there is a rest, and nobody takes it.
	StatusStall Status = "STALL"
	// StatusStop: new records come in, and nobody takes any.
	StatusStop Status = "STOP"
	// StatusRewind: the commit was set back; records are read again.
	StatusRewind Status = "REWIND"
	// StatusError: a partition of the group is in STALL, STOP or REWIND.
	StatusError Status = "ERROR"
)

// Statuses are all, from the best to the worst.
func Statuses() []Status {
	return []Status{StatusOK, StatusUnknown, StatusWarn, StatusStall, StatusStop, StatusRewind, StatusError}
}

// Code is the status as the metrics have it: 0 is OK, and from 3 on it is an
// error. A status that is none has -1.
func (s Status) Code() int {
	for code, status := range Statuses() {
		if s == status {
			return code
		}
	}
	return -1
}

// Bad says that somebody has to look.
func (s Status) Bad() bool { return s.Code() >= StatusStall.Code() }

// OfGroup is the status of a group whose partitions have these; OK for none.
func OfGroup(partitions []Status) Status {
	worst := StatusOK
	for _, s := range partitions {
		if s.Code() > worst.Code() {
			worst = s
		}
	}
	if worst.Bad() {
		return StatusError
	}
	return worst
}
