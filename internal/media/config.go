package media

import (
	"errors"
	"time"
)

// Config names the programs that convert recordings, and their limits.
type Config struct {
	FFmpeg  string `name:"ffmpeg" help:"The ffmpeg program: a name to look up in PATH, or a path." default:"ffmpeg"`
	FFprobe string `name:"ffprobe" help:"The ffprobe program: a name to look up in PATH, or a path." default:"ffprobe"`

	MaxDuration time.Duration `help:"The longest recording that is accepted, measured in decoded audio; longer ones are refused as the uploader's error. At most 24h." default:"2h"`
	Timeout     time.Duration `help:"The time limit of one conversion, probing included. Exceeding it counts as a transient failure of this machine." default:"10m"`
	MaxMemory   int64         `help:"Bytes of private memory that one ffmpeg may use (Linux only). 0 means no limit." default:"536870912"`
	Fence       bool          `help:"Run ffmpeg in a sandbox without access to other files, the network and other processes, as far as the kernel supports it (Landlock, Linux 5.13, and a seccomp filter). What stays reachable is logged as a warning at the start." default:"true" negatable:""`
	FenceStrict bool          `help:"Refuse to start if the sandbox leaves something reachable." default:"false"`
}

// Validate reports the first setting that cannot work.
func (c Config) Validate() error {
	switch {
	case c.FFmpeg == "":
		return errors.New("ffmpeg: want a program")
	case c.FFprobe == "":
		return errors.New("ffprobe: want a program")
	case c.MaxDuration < time.Second || c.MaxDuration > 24*time.Hour:
		return errors.New("max-duration: want 1s to 24h") // a WAV file ends at 4 GiB
	case c.Timeout < time.Second:
		return errors.New("timeout: want at least 1s")
	case c.FenceStrict && !c.Fence:
		return errors.New("fence-strict: want fence, too")
	case c.MaxMemory != 0 && c.MaxMemory < 128<<20:
		return errors.New("max-memory: want 0 or at least 134217728 (128 MiB)")
	}
	return nil
}
