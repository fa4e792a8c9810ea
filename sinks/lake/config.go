package lake

import (
	"errors"
	"fmt"
	"time"

	"orak/internal/kafka/consume"
)

// Config says how the lake is written and kept.
type Config struct {
	consume.Config `embed:""`
	FileRecords    int           `help:"Events of a partition after which its files are closed, 1 to 100000. A file is also closed by 4 MiB of events, as they are on Kafka." default:"10000"`
	FileAge        time.Duration `help:"Age of the first event at which its file is closed: how late the lake is, and with few events how small its files are until they are compacted." default:"2m"`
	Writers        int           `help:"Batches that are turned into files and stored at the same time; each needs some 40 MiB of memory." default:"2"`
	PutTimeout     time.Duration `help:"How long one try to store the files of a batch, or to write one dead letter, may take." default:"1m"`
	Compact        CompactConfig `embed:"" prefix:"compact-"`
}

// CompactConfig says how files are compacted.
type CompactConfig struct {
	Size  int64         `help:"Size in bytes up to which the small files of a finished day are compacted into one, at least 1 MiB. A file that is rewritten is in memory while it is read." default:"67108864"`
	Grace time.Duration `help:"How long a file that was replaced is kept, for the queries that read it; longer than any query runs." default:"1h"`
}

// maxFileRecords bounds the memory of a batch, and with it an erasures object.
const maxFileRecords = 100_000

// Validate reports the first setting that cannot work.
func (c Config) Validate() error {
	if err := c.Config.Validate(); err != nil {
		return fmt.Errorf("lake %w", err)
	}
	switch {
	case c.FileRecords < 1 || c.FileRecords > maxFileRecords:
		return fmt.Errorf("lake file records: want 1 to %d", maxFileRecords)
	case c.FileAge < 0:
		return errors.New("lake file age: want 0 or more")
	case c.Writers < 1:
		return errors.New("lake writers: want at least 1")
	case c.PutTimeout <= 0:
		return errors.New("lake put timeout: want more than 0")
	default:
		return c.Compact.Validate()
	}
}

// Validate reports the first setting that cannot work.
func (c CompactConfig) Validate() error {
	switch {
	case c.Size < 1<<20:
		return errors.New("lake compact size: want at least 1 MiB")
	case c.Grace <= 0:
		return errors.New("lake compact grace: want more than 0")
	default:
		return nil
	}
}
