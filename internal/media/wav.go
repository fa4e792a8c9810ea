package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

var errNotOurWAV = errors.New("not the requested WAV")

// countSamples counts the samples in the WAV that ffmpeg wrote. It fails where the
// header disagrees: then ffmpeg did not finish it.
func countSamples(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() == 0 {
		return 0, nil // ffmpeg writes no header when nothing was decoded
	}
	var h [wavHeader]byte
	if _, err := io.ReadFull(f, h[:]); err != nil {
		return 0, fmt.Errorf("%w: its header is cut off", errNotOurWAV)
	}
	le := binary.LittleEndian
	switch data := int64(le.Uint32(h[40:])); {
	case string(h[:4]) != "RIFF" || string(h[8:16]) != "WAVEfmt " || string(h[36:40]) != "data":
		return 0, fmt.Errorf("%w: another header", errNotOurWAV)
	case le.Uint16(h[20:]) != 1 || le.Uint16(h[22:]) != 1 || le.Uint32(h[24:]) != sampleRate || le.Uint16(h[34:]) != 16:
		return 0, fmt.Errorf("%w: another form of audio", errNotOurWAV)
	case data != info.Size()-wavHeader || data%2 != 0:
		return 0, fmt.Errorf("%w: its header says %d bytes of audio, it has %d", errNotOurWAV, data, info.Size()-wavHeader)
	default:
		return data / 2, nil
	}
}
