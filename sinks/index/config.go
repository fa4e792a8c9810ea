package index

import (
	"errors"
	"fmt"
	"time"

	"orak/internal/kafka/consume"
)

// Config says how the index is written, and where it is.
type Config struct {
	consume.Config `embed:""`
	Batch          int           `help:"Events of a partition that are written in one transaction, 1 to 5000." default:"500"`
	Linger         time.Duration `help:"How long the first event of a batch waits for others: how late the index is at most while it keeps up. 0 waits for none." default:"50ms"`
	WriteTimeout   time.Duration `help:"How long one try to write a batch, to read a missing analysis or to write a dead letter may take." default:"30s"`

	// KeepActs is how long acts are kept; 0 means for ever.
	KeepActs time.Duration `kong:"-"`

	URL         string `help:"PostgreSQL database of the index, such as postgres://user:password@host/orak_index; with the extension vector, if it has it. Empty means a SQLite file in --index-dir." secret:""`
	Dir         string `help:"Folder of the SQLite file that keeps the index where there is no --index-url. Empty with no --index-url means that there is no index."`
	VectorCache int64  `help:"Memory for the vectors of tenants whose voices are compared, in bytes, in each process that searches. The vectors of a tenant that do not fit are compared by the database, or read from it by each search. 0 keeps none." default:"268435456"`
	Connections int    `help:"Connections to PostgreSQL of each process at most." default:"8"`
}

// maxBatch bounds the memory of a batch.
const maxBatch = 5000

// Validate reports the first setting that cannot work.
func (c Config) Validate() error {
	if err := c.Config.Validate(); err != nil {
		return fmt.Errorf("index %w", err)
	}
	switch {
	case c.Batch < 1 || c.Batch > maxBatch:
		return fmt.Errorf("index batch: want 1 to %d", maxBatch)
	case c.Linger < 0:
		return errors.New("index linger: want 0 or more")
	case c.WriteTimeout <= 0:
		return errors.New("index write timeout: want more than 0")
	case c.VectorCache < 0:
		return errors.New("index vector cache: want 0 or more")
	case c.Connections < 1:
		return errors.New("index connections: want at least 1")
	default:
		return nil
	}
}

// Configured reports whether there is an index.
func (c Config) Configured() bool { return c.URL != "" || c.Dir != "" }
