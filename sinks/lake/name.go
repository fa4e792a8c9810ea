package lake

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Prefix is the prefix of the keys of everything in the lake.
const Prefix = "lake/v1/"

const dayLayout = "2006-01-02"

// folder returns the prefix of the keys of a table's files of a day.
func folder(t Table, day string) string { return Prefix + string(t) + "/dt=" + day + "/" }

// Folder returns the prefix of the keys of a table's files of a day (UTC).
func Folder(t Table, day time.Time) string { return folder(t, day.UTC().Format(dayLayout)) }

// file is a file of the lake. One that a writer put has the first offset of its
// rows in its name, and so each name can be put only once. A compacted one, which
// replaces others, has the whole range and a generation.
type file struct {
	table     Table
	day       string
	topic     string
	partition int32
	// first and last are the offsets that the file covers: it has every row of its
	// table, day and partition in between, except those of erased uploads. last is
	// -1 while it is not known: it stands in the metadata of a writer's file.
	first, last int64
	// generation is 0 for a writer's file, and above that of every file that a
	// compacted one replaces.
	generation int
	// size is in bytes, and put when the store got the file.
	size int64
	put  time.Time
}

func (f file) compacted() bool { return f.generation > 0 }

// key returns the key of f in the store.
func (f file) key() string {
	name := fmt.Sprintf("%s%020d", stem(f.topic, f.partition), f.first)
	if f.compacted() {
		name += fmt.Sprintf("-%020d-%04d", f.last, f.generation)
	}
	return folder(f.table, f.day) + name + ".parquet"
}

// stem returns what the names of a partition's files begin with.
func stem(topic string, partition int32) string {
	return topic + "-" + strconv.FormatInt(int64(partition), 10) + "-"
}

var fileKey = regexp.MustCompile(`^` + Prefix + `(lifecycle|analyses)/dt=(\d{4}-\d\d-\d\d)/([a-zA-Z0-9._-]+)-(\d{1,9})-(\d{20})(?:-(\d{20})-(\d{4,9}))?\.parquet$`)

// parseKey is the inverse of key; ok is false for any other key.
func parseKey(key string) (f file, ok bool) {
	m := fileKey.FindStringSubmatch(key)
	if m == nil {
		return file{}, false
	}
	if _, err := time.Parse(dayLayout, m[2]); err != nil {
		return file{}, false
	}
	partition, err := strconv.ParseInt(m[4], 10, 32)
	if err != nil {
		return file{}, false
	}
	f = file{table: Table(m[1]), day: m[2], topic: m[3], partition: int32(partition), last: -1}
	if f.first, err = strconv.ParseInt(m[5], 10, 64); err != nil {
		return file{}, false
	}
	if m[6] == "" {
		return f, true
	}
	if f.last, err = strconv.ParseInt(m[6], 10, 64); err != nil || f.last < f.first {
		return file{}, false
	}
	if f.generation, err = strconv.Atoi(m[7]); err != nil || f.generation == 0 {
		return file{}, false
	}
	return f, true
}
