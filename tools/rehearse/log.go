package main

import (
	"fmt"
	"os"
	"sync"
)

// logFile is a service's log, bounded as json-file's max-size and two files: a full
// one becomes NAME.1 in place of the one before. It is safe for concurrent use.
type logFile struct {
	path string
	max  int64

	mu   sync.Mutex
	file *os.File
	size int64
}

// openLog begins a new log; the one of an earlier rehearsal becomes NAME.1.
func openLog(path string, max int64) (*logFile, error) {
	l := &logFile{path: path, max: max}
	return l, l.rotate()
}

func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size >= l.max {
		if err := l.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := l.file.Write(p)
	l.size += int64(n)
	return n, err
}

func (l *logFile) rotate() error {
	if l.file != nil {
		l.file.Close()
	}
	if err := os.Rename(l.path, l.path+".1"); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("rotating a log: %w", err)
	}
	file, err := os.Create(l.path)
	if err != nil {
		return fmt.Errorf("creating a log: %w", err)
	}
	l.file, l.size = file, 0
	return nil
}

// tail returns the last lines of the log, at most 4 KiB.
func (l *logFile) tail() string {
	content, err := os.ReadFile(l.path)
	if err != nil {
		return err.Error()
	}
	return string(content[max(0, len(content)-4096):])
}
