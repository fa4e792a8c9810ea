package listen

import "syscall"

// Of the process's descriptors, reserved are for what is always open: files,
// listeners, the clients of Kafka and Temporal. The rest is shared between
// connections and what their requests open in turn, such as a connection to the
// store for every upload.
const (
	reserved    = 24
	fewest      = 8
	mostDerived = 4096
)

// Limit is the bound of a server's connections: want, or for 0 what the
// process's descriptors allow, 4,096 at most. Never is it more than they allow:
// half of them, less those that are always open.
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
