package media

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/media/mediatest"
)

func measure(f Format, b []byte) extent {
	return input{source: source{format: f}, window: &window{r: bytes.NewReader(b), size: int64(len(b))}}.measure()
}

func TestStructureShowsACutAnywhere(t *testing.T) {
	t.Parallel()
	for _, s := range corpus(t) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(s.Path)
			require.NoError(t, err)
			f, ok := Sniff(b[:min(len(b), SniffLen)])
			require.True(t, ok)
			whole := measure(f, b)
			require.False(t, whole.cut, "the whole file is not cut")
			if f == formatFLAC {
				require.InDelta(t, mediatest.Seconds, whole.promised.Seconds(), 0.001)
				return // its cut shows in the decoded samples
			}
			last := len(b)
			if s.Name == "cover.mp3" || s.Name == "tune.mp3" || f == formatAIFF || f == formatWAV {
				last -= 200 // tags and chunks without audio are at the end
			}
			for _, share := range []float64{0.31, 0.47, 0.83, 0.97} {
				n := int(float64(last) * share)
				require.True(t, measure(f, b[:n]).cut, "cut at %d of %d", n, len(b))
			}
		})
	}
}

func TestMP3DeclaresItsNumberOfFrames(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(recording(t, "tune.mp3").Path)
	require.NoError(t, err)
	require.InDelta(t, mediatest.Seconds, measure(formatMP3, b).promised.Seconds(), 0.1)
	b, err = os.ReadFile(recording(t, "bare.mp3").Path)
	require.NoError(t, err)
	require.Zero(t, measure(formatMP3, b).promised)
	require.False(t, measure(formatMP3, append(b, "TAG"+string(make([]byte, 125))...)).cut, "an old tag at the end is no cut")
}

func TestUnknownLengthsAreNoCut(t *testing.T) {
	t.Parallel()
	wav := mediatest.WAV(8000, 1, mediatest.Tune(8000))
	for _, size := range []uint32{0, 0x7fffffff, 0x7ffff000, 0xffffffff} {
		binary.LittleEndian.PutUint32(wav[40:], size)
		require.False(t, measure(formatWAV, wav).cut, "%x", size)
	}
	require.False(t, measure(formatMP4, []byte("\x00\x00\x00\x08free\x00\x00\x00\x00mdat....")).cut)
	require.False(t, measure(formatCAF, []byte("caff\x00\x01\x00\x00data\xff\xff\xff\xff\xff\xff\xff\xff....")).cut)
	require.False(t, measure(formatWebM, []byte("\x18\x53\x80\x67\xff\x1f\x43\xb6\x75\xff\xa3\x84....")).cut)
	require.True(t, measure(formatWebM, []byte("\x18\x53\x80\x67\xff\x1f\x43\xb6\x75\xff\xa3\x85....")).cut)
}

func TestHeaderThatClaimsMoreAudioIsDamage(t *testing.T) {
	t.Parallel()
	said := new(stderrLog)
	whole := "\x00\x00\x00\x08free" // a box that is not cut
	in := input{source: source{format: formatM4A}, window: &window{r: strings.NewReader(whole), size: int64(len(whole))}}
	in.extent = in.measure()
	st := stream{duration: 402653 * time.Second}
	require.Equal(t, []orak.Damage{orak.DamageTruncated}, in.damage(st, 4*time.Second, said))
	require.Zero(t, in.missing(st, 4*time.Second, 2*time.Hour, said), "a claim of days is the header's error")
	st.duration = 6 * time.Second
	require.Equal(t, 2*time.Second, in.missing(st, 4*time.Second, 2*time.Hour, said))
	st.duration = 4100 * time.Millisecond
	require.Zero(t, in.missing(st, 4*time.Second, 2*time.Hour, said))
	require.Empty(t, in.damage(st, 4*time.Second, said), "priming samples are no loss")
	in.format = formatMP3
	st.duration = time.Hour
	require.Zero(t, in.missing(st, 4*time.Second, 2*time.Hour, said))
	require.Empty(t, in.damage(st, 4*time.Second, said), "ffprobe's guess from the bit rate counts for nothing")
	said.decodeErrors = 1
	require.Equal(t, []orak.Damage{orak.DamageDecodeErrors}, in.damage(st, 4*time.Second, said))
}

// FuzzMeasure checks that every walk ends, whatever lengths a file declares.
func FuzzMeasure(f *testing.F) {
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEfmt \xff\xff\xff\xff"))
	f.Add([]byte("\x00\x00\x00\x01ftyp\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\x00\x00\x00\x01ftyp\x7f\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("caff\x00\x01\x00\x00data\x7f\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\x18\x53\x80\x67\x01\x7f\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff\xec\x80\xec\x80"))
	f.Add([]byte(oggPage(2, "OpusHead") + oggPage(4, "x")))
	f.Add([]byte("fLaC\x00\x00\x00\x22" + string(make([]byte, 40))))
	f.Add([]byte("ID3\x03\x00\x00\x7f\x7f\x7f\x7f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, format := range []Format{formatWebM, formatOggOpus, formatMP4, formatMP3, formatFLAC, formatWAV, formatAIFF, formatCAF} {
			require.GreaterOrEqual(t, measure(format, b).promised, time.Duration(0))
		}
	})
}
