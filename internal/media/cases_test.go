package media

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/media/mediatest"
)

// converted is a converted recording.
type converted struct {
	orak.Audio
	samples []int16
}

func convertFile(t *testing.T, path string) converted {
	t.Helper()
	wav, audio, err := requireSameInTwoStarts(t, path)
	require.NoError(t, err)
	c := converted{Audio: audio, samples: make([]int16, (len(wav)-wavHeader)/2)}
	require.NoError(t, binary.Read(bytes.NewReader(wav[wavHeader:]), binary.LittleEndian, c.samples))
	return c
}

// level returns the level of a frequency in Hz between two times in s, in dB of
// full scale (Goertzel's algorithm).
func (c converted) level(hz, from, to float64) float64 {
	window := c.samples[int(from*sampleRate):min(int(to*sampleRate), len(c.samples))]
	w := 2 * math.Pi * hz / sampleRate
	var s1, s2 float64
	for _, x := range window {
		s1, s2 = float64(x)/32768+2*math.Cos(w)*s1-s2, s1
	}
	power := s1*s1 + s2*s2 - 2*math.Cos(w)*s1*s2
	return 10 * math.Log10(4*power/float64(len(window)*len(window))+1e-12)
}

// sound is a file of a tone in the given form.
func sound(t *testing.T, name string, hz, seconds float64, args ...string) string {
	t.Helper()
	in := []string{"-f", "lavfi", "-i", fmt.Sprintf("aevalsrc=0.5*sin(2*PI*%g*t):s=48000:d=%g", hz, seconds)}
	return mediatest.Make(t, t.TempDir(), name, append(in, args...)...)
}

func TestVoiceIsFoundOnEveryChannel(t *testing.T) {
	t.Parallel()
	const voice = "0.5*sin(2*PI*220*t)"
	for name, channels := range map[string][]string{
		"right is left, inverted":       {voice, "-0.95*" + voice},
		"right is left, inverted fully": {voice, "-1*" + voice},
		"left alone":                    {voice, "0"},
		"right alone":                   {"0", voice},
		"the same on both":              {voice, voice},
		"third of three":                {"0", "0", voice},
		"fourth of four":                {"0", "0", "0", voice},
		"fourth of six":                 {"0", "0", "0", voice, "0", "0"},
		"last of six":                   {"0", "0", "0", "0", "0", voice},
		"six that cancel":               {voice, "-1*" + voice, voice, "-1*" + voice, voice, "-1*" + voice},
		"last of eight":                 {"0", "0", "0", "0", "0", "0", "0", voice},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "voice.wav")
			require.NoError(t, os.WriteFile(path, plainWAV(t, channels), 0o600))
			c := convertFile(t, path)
			require.Greater(t, c.level(220, 0.5, 1.5), -13.0, "of -6 dB")
			require.NotNil(t, c.Loudness)
			require.InDelta(t, -6, c.Loudness.IntegratedLUFS, 5)
			require.InDelta(t, -6, c.Loudness.TruePeakDBTP, 0.3)
			require.Empty(t, c.Damage)
			require.Equal(t, len(channels), c.Channels)
		})
	}
}

// plainWAV has a WAV header without the mask of channel positions.
func plainWAV(t *testing.T, channels []string) []byte {
	t.Helper()
	expression := ""
	for i, c := range channels {
		if i > 0 {
			expression += "|"
		}
		expression += c
	}
	raw, err := os.ReadFile(mediatest.Make(t, t.TempDir(), "raw", "-f", "lavfi", "-i", "aevalsrc="+expression+":s=16000:d=2", "-c:a", "pcm_s16le", "-f", "s16le"))
	require.NoError(t, err)
	b := mediatest.WAV(16000, 1, make([]int16, len(raw)/2))
	le := binary.LittleEndian
	le.PutUint16(b[22:], uint16(len(channels)))
	le.PutUint32(b[28:], uint32(16000*2*len(channels)))
	le.PutUint16(b[32:], uint16(2*len(channels)))
	copy(b[wavHeader:], raw)
	return b
}

func TestMaskOfTheBackChannelsIsMixed(t *testing.T) {
	t.Parallel()
	path := sound(t, "back.wav", 220, 2, "-ac", "2", "-c:a", "pcm_s24le")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, uint16(0xfffe), binary.LittleEndian.Uint16(b[20:]))
	binary.LittleEndian.PutUint32(b[40:], 0x30) // back left, back right
	require.NoError(t, os.WriteFile(path, b, 0o600))
	require.Greater(t, convertFile(t, path).level(220, 0.5, 1.5), -10.0)
}

func TestVoiceOnlyOnTheLowFrequencyChannelIsFound(t *testing.T) {
	t.Parallel()
	path := mediatest.Make(t, t.TempDir(), "low.flac", "-f", "lavfi", "-i", "aevalsrc=0|0|0|0.5*sin(2*PI*220*t)|0|0:s=48000:d=2:c=5.1", "-c:a", "flac")
	require.Greater(t, convertFile(t, path).level(220, 0.5, 1.5), -8.0)
}

func TestTrackWithSoundIsTakenAndTracksAreCounted(t *testing.T) {
	t.Parallel()
	silent := []string{"-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono:d=2"}
	tone := []string{"-f", "lavfi", "-i", "aevalsrc=0.5*sin(2*PI*220*t):s=48000:d=2"}
	for name, tracks := range map[string][][]string{"the second": {silent, tone}, "the third": {silent, silent, tone}, "the first": {tone, silent}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var args []string
			for _, track := range tracks {
				args = append(args, track...)
			}
			for i := range tracks {
				args = append(args, "-map", fmt.Sprint(i, ":a"))
			}
			c := convertFile(t, mediatest.Make(t, t.TempDir(), "tracks.mp4", append(args, "-c:a", "aac", "-f", "mp4")...))
			require.Greater(t, c.level(220, 0.5, 1.5), -8.0)
			require.Equal(t, len(tracks), c.Tracks)
		})
	}
}

func TestLoudnessIsMeasuredBeforeTheMix(t *testing.T) {
	t.Parallel()
	loud := convertFile(t, mediatest.Make(t, t.TempDir(), "float.wav", "-f", "lavfi", "-i", "aevalsrc=1.679*sin(2*PI*997*t):s=48000:d=3", "-c:a", "pcm_f32le"))
	require.InDelta(t, 4.5, loud.Loudness.TruePeakDBTP, 0.1)
	require.InDelta(t, 1.5, loud.Loudness.IntegratedLUFS, 0.5)
	silent := convertFile(t, mediatest.Make(t, t.TempDir(), "silence.wav", "-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo:d=2", "-c:a", "pcm_s16le"))
	require.Equal(t, &orak.Loudness{IntegratedLUFS: -70, TruePeakDBTP: -120}, silent.Loudness)
	short := convertFile(t, sound(t, "short.wav", 220, 0.3, "-c:a", "pcm_s16le"))
	require.Nil(t, short.Loudness, "too short for the meter")
}

func TestGapsBecomeSilenceAndDamage(t *testing.T) {
	t.Parallel()
	const melody = "aevalsrc='if(lt(t,3),0.5*sin(2*PI*220*t),0.5*sin(2*PI*330*t))':s=48000:d=6"
	for name, args := range map[string][]string{
		"opus.webm":   {"-c:a", "libopus", "-f", "webm"},
		"vorbis.webm": {"-c:a", "libvorbis", "-f", "webm"},
		"flac.mka":    {"-c:a", "flac", "-f", "matroska"},
		"aac.mp4":     {"-c:a", "aac", "-f", "mp4"},
		"opus.ogg":    {"-c:a", "libopus", "-f", "ogg"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cut := []string{"-f", "lavfi", "-i", melody, "-af", "aselect='not(between(t,2,4))'"}
			c := convertFile(t, mediatest.Make(t, t.TempDir(), name, append(cut, args...)...))
			require.Equal(t, []orak.Damage{orak.DamageGaps}, c.Damage)
			require.InDelta(t, 6, c.DurationS, 0.1)
			require.Greater(t, c.level(220, 0.2, 1.8), -8.0)
			require.Less(t, c.level(220, 2.2, 3.8), -40.0)
			require.Less(t, c.level(330, 2.2, 3.8), -40.0)
			require.Greater(t, c.level(330, 4.2, 5.8), -8.0)
		})
	}
}

// The pauses of AMR (DTX) are silence of their length, and no broken frames.
func TestAMRPausesAreNoDecodeErrors(t *testing.T) {
	t.Parallel()
	speech := func(n int) []byte { return bytes.Repeat(append([]byte{0x3c}, make([]byte, 31)...), n) }
	pause := bytes.Repeat(append([]byte{0x44, 0, 0, 0, 0, 0}, bytes.Repeat([]byte{0x7c}, 7)...), 12)
	path := filepath.Join(t.TempDir(), "pauses.amr")
	require.NoError(t, os.WriteFile(path, bytes.Join([][]byte{[]byte("#!AMR\n"), speech(100), pause, speech(100)}, nil), 0o600))
	c := convertFile(t, path)
	require.Equal(t, []orak.Damage{orak.DamageGaps}, c.Damage)
	require.InDelta(t, (100+12*8+100)*0.02, c.DurationS, 0.05)
}

// A file that begins late is silent until then, as in a player, and nothing of it
// is missing.
func TestLateStartIsNoDamage(t *testing.T) {
	t.Parallel()
	c := convertFile(t, sound(t, "late.webm", 220, 4, "-c:a", "libopus", "-output_ts_offset", "1.5", "-f", "webm"))
	require.Empty(t, c.Damage)
	require.InDelta(t, 5.5, c.DurationS, 0.1)
	require.Less(t, c.level(220, 0.1, 1.3), -40.0)
	require.Greater(t, c.level(220, 1.7, 5.3), -8.0)
}

// A clock that was set must not turn five seconds into hours of silence.
func TestClockJumpAddsNoSilence(t *testing.T) {
	t.Parallel()
	jump := "asetpts='if(gt(N,96000),PTS+%g/TB,PTS)'"
	for name, seconds := range map[string]float64{"forward": 4000, "back": -1.5} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := convertFile(t, sound(t, "jump.mka", 220, 5, "-af", fmt.Sprintf(jump, seconds), "-c:a", "pcm_s16le", "-f", "matroska"))
			require.InDelta(t, 5, c.DurationS, 0.6)
			if seconds > 0 {
				require.Equal(t, []orak.Damage{orak.DamageGaps}, c.Damage)
			}
		})
	}
}

func TestWholeFilesAreNotTruncated(t *testing.T) {
	t.Parallel()
	wav, err := os.ReadFile(sound(t, "whole.wav", 220, 3, "-c:a", "pcm_s16le", "-bitexact", "-map_metadata", "-1"))
	require.NoError(t, err)
	data := binary.LittleEndian.Uint32(wav[40:])
	require.Equal(t, len(wav)-wavHeader, int(data))
	for _, claimed := range []uint32{0, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff, data + 8, data + 36, data + 44, data / 3} {
		t.Run(fmt.Sprintf("WAV of %#x", claimed), func(t *testing.T) {
			t.Parallel()
			b := bytes.Clone(wav)
			binary.LittleEndian.PutUint32(b[40:], claimed)
			path := filepath.Join(t.TempDir(), "claim.wav")
			require.NoError(t, os.WriteFile(path, b, 0o600))
			c := convertFile(t, path)
			require.Empty(t, c.Damage)
			require.InDelta(t, 3, c.DurationS, 0.01)
		})
	}
	t.Run("Ogg without the end's flag", func(t *testing.T) {
		t.Parallel()
		path := sound(t, "whole.ogg", 220, 3, "-c:a", "libopus", "-f", "ogg")
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		last := bytes.LastIndex(b, []byte("OggS"))
		require.Equal(t, byte(4), b[last+5]&4)
		b[last+5] &^= 4
		copy(b[last+22:], []byte{0, 0, 0, 0})
		binary.LittleEndian.PutUint32(b[last+22:], oggChecksum(b[last:]))
		require.NoError(t, os.WriteFile(path, b, 0o600))
		require.Empty(t, convertFile(t, path).Damage)
	})
}

// oggChecksum returns the checksum of a page of Ogg (RFC 3533).
func oggChecksum(page []byte) (sum uint32) {
	for _, c := range page {
		sum ^= uint32(c) << 24
		for range 8 {
			if sum&0x80000000 != 0 {
				sum = sum<<1 ^ 0x04c11db7
			} else {
				sum <<= 1
			}
		}
	}
	return sum
}

func TestCorruptedOggPageIsReported(t *testing.T) {
	t.Parallel()
	path := sound(t, "changed.ogg", 220, 5, "-c:a", "libopus", "-page_duration", "200000", "-f", "ogg")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	b[len(b)/2] ^= 0x55
	require.NoError(t, os.WriteFile(path, b, 0o600))
	require.Contains(t, convertFile(t, path).Damage, orak.DamageDecodeErrors)
}

func TestDataBehindTheDeclaredEndIsAnalyzedOrReported(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"two.wav":      {"-c:a", "pcm_s16le"},
		"two.m4a":      {"-c:a", "aac", "-f", "ipod"},
		"fast.m4a":     {"-c:a", "aac", "-movflags", "+faststart", "-f", "ipod"},
		"parts.mp4":    {"-c:a", "aac", "-movflags", "+empty_moov+default_base_moof", "-frag_duration", "500000", "-f", "mp4"},
		"two.mp3":      {"-c:a", "libmp3lame"},
		"two.ogg":      {"-c:a", "libopus", "-f", "ogg"},
		"two.webm":     {"-c:a", "libopus", "-f", "webm"},
		"recorder.web": {"-c:a", "libopus", "-f", "webm", "-live", "1"},
		"two.aiff":     {"-c:a", "pcm_s16be"},
		"two.caf":      {"-c:a", "pcm_s16be", "-f", "caf"},
		"two.flac":     {"-c:a", "flac"},
		"two.aac":      {"-c:a", "aac", "-f", "adts"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, err := os.ReadFile(sound(t, name, 220, 3, args...))
			require.NoError(t, err)
			second, err := os.ReadFile(sound(t, name, 330, 3, args...))
			require.NoError(t, err)
			path := filepath.Join(t.TempDir(), name)
			require.NoError(t, os.WriteFile(path, append(first, second...), 0o600))
			c := convertFile(t, path)
			require.Greater(t, c.level(220, 0.2, 2.8), -8.0)
			if len(c.Damage) == 0 {
				require.InDelta(t, 6, c.DurationS, 0.2)
				require.Greater(t, c.level(330, 3.3, 5.7), -8.0)
				return
			}
			require.Contains(t, c.Damage, orak.DamageTrailing)
		})
	}
}

func TestTagsBehindTheLastFrameAreNoDamage(t *testing.T) {
	t.Parallel()
	mp3, err := os.ReadFile(sound(t, "bare.mp3", 220, 3, "-c:a", "libmp3lame", "-b:a", "64k", "-write_xing", "0", "-id3v2_version", "0"))
	require.NoError(t, err)
	aac, err := os.ReadFile(sound(t, "bare.aac", 220, 3, "-c:a", "aac", "-f", "adts"))
	require.NoError(t, err)
	id3 := "TAG" + string(make([]byte, 125))
	words := "LYRICSBEGIN" + "IND0000300ALYR00012la la la la la"
	lyrics := words + fmt.Sprintf("%06d", len(words)) + "LYRICS200"
	old := "LYRICSBEGIN" + string(bytes.Repeat([]byte("la "), 100)) + "LYRICSEND"
	cover := bytes.Repeat([]byte("\xff\xfbcover \xff\xe0"), 5000)
	for name, tag := range map[string]string{
		"ID3v1":                 id3,
		"Lyrics3":               lyrics + id3,
		"old Lyrics3":           old + id3,
		"APE with a cover":      ape(cover),
		"APE, Lyrics3, ID3v1":   ape(cover) + lyrics + id3,
		"Lyrics3 without ID3v1": lyrics,
	} {
		for kind, frames := range map[string][]byte{"bare.mp3": mp3, "bare.aac": aac} {
			t.Run(name+" in "+kind, func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), kind)
				require.NoError(t, os.WriteFile(path, append(bytes.Clone(frames), tag...), 0o600))
				c := convertFile(t, path)
				require.Empty(t, c.Damage)
				require.InDelta(t, 3, c.DurationS, 0.1)
			})
		}
	}
}

// ape is an APEv2 tag of one item, with header and footer.
func ape(item []byte) string {
	edge := func(flags uint32) string {
		b := []byte("APETAGEX\xd0\x07\x00\x00")
		b = binary.LittleEndian.AppendUint32(b, uint32(len(item)+32))
		b = binary.LittleEndian.AppendUint32(b, 1)
		return string(binary.LittleEndian.AppendUint32(b, flags)) + string(make([]byte, 8))
	}
	return edge(0xa0000000) + string(item) + edge(0x80000000)
}
