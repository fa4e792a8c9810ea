package listen

import "syscall"

// Of the descriptors of the process, reserved are kept for what is always open: files,
// listeners, the clients of Kafka and Temporal. The rest is shared by connections
// and what their requests open, such as a connection to the store for each upload.
const (
	reserved    = 24
	fewest      = 8
	mostDerived = 4096
)

// Limit returns the bound for the connections of a server: want, but no more than the
// descriptors of the process allow, which is half of those that are not reserved. For
// 0 it returns what they allow, at most 4,096.
func Limit(want int) int {
	allowed := mostDerived
	var files syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files) == nil {
		allowed = allowedBy(files.Cur)
	}
	if want == 0 {
		return min(allowed, mostDerived)
	}
	return min(want, allowed)
}

func allowedBy(files uint64) int {
	const enough = 1 << 21
	return max((int(min(files, enough))-reserved)/2, fewest)
}
