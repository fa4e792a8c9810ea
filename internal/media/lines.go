package media

import "bytes"

// maxLine is how much of a line of a child's output is read, in bytes: a child that
// reports every packet must not fill memory or the log.
const maxLine = 512

// lines splits what a child writes into lines.
type lines struct {
	// rest has the beginning of the line that has not ended yet.
	rest []byte
}

// split calls each with every line that p ends, without its end and cut to maxLine
// bytes, until each returns an error.
func (l *lines) split(p []byte, each func(line string) error) error {
	for {
		part, after, ended := bytes.Cut(p, []byte("\n"))
		if room := maxLine - len(l.rest); room > 0 {
			l.rest = append(l.rest, part[:min(room, len(part))]...)
		}
		if !ended {
			return nil
		}
		line := string(l.rest)
		l.rest, p = l.rest[:0], after
		if err := each(line); err != nil {
			return err
		}
	}
}
