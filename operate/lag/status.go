package lag

// Status is the status of a group, or of a group in a partition.
type Status string

// The statuses. Only groups are in ERROR; only partitions are in STOP, STALL or
// REWIND.
const (
	// StatusOK: there is no backlog, or it shrinks.
	StatusOK Status = "OK"
	// StatusUnknown: there is a backlog, and there are too few samples to see how
	// it moves.
	StatusUnknown Status = "UNKNOWN"
	// StatusWarn: records are read, but the backlog does not shrink.
	StatusWarn Status = "WARN"
	// StatusStall: there is a backlog, and nothing of it is read.
	StatusStall Status = "STALL"
	// StatusStop: new records are written, and none is read.
	StatusStop Status = "STOP"
	// StatusRewind: the commit went back; records are read again.
	StatusRewind Status = "REWIND"
	// StatusError: a partition of the group is in STALL, STOP or REWIND.
	StatusError Status = "ERROR"
)

// Statuses returns all statuses, from the best to the worst.
func Statuses() []Status {
	return []Status{StatusOK, StatusUnknown, StatusWarn, StatusStall, StatusStop, StatusRewind, StatusError}
}

// Code returns the status as a metric value: 0 is OK, and 3 or more is an error. It
// returns -1 for an unknown status.
func (s Status) Code() int {
	for code, status := range Statuses() {
		if s == status {
			return code
		}
	}
	return -1
}

// Bad reports whether an operator has to act.
func (s Status) Bad() bool { return s.Code() >= StatusStall.Code() }

// OfGroup returns the status of a group from those of its partitions; OK for none.
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
