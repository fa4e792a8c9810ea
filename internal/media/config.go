package media

import (
	"errors"
	"time"
)

// Config says which programs convert recordings, and within which bounds.
type Config struct {
	FFmpeg  string `name:"ffmpeg" help:"The ffmpeg program: a name to look up in PATH, or a path." default:"ffmpeg"`
	FFprobe string `name:"ffprobe" help:"The ffprobe program: a name to look up in PATH, or a path." default:"ffprobe"`

	MaxDuration time.Duration `help:"The longest recording that is accepted, in audio really decoded; longer ones are the caller's fault. At most 24h." default:"2h"`
	Timeout     time.Duration `help:"How long one conversion may take by the clock, probing included. Running out of it counts as a passing fault of this machine." default:"10m"`
	MaxMemory   int64         `help:"Bytes of private memory that one ffmpeg may have (Linux only). 0 means no limit." default:"536870912"`
	Fence       bool          `help:"Keep ffmpeg from all files but its own, from the network and from other processes, as far as the kernel can (Landlock, Linux 5.13, and a seccomp filter). What stays open is logged as a warning at the start." default:"true" negatable:""`
	FenceStrict bool          `help:"Refuse to start where the fence leaves something open." default:"false"`
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
