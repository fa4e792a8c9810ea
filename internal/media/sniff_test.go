package media

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
)

func TestSniffRefusesWhatIsNotARecording(t *testing.T) {
	t.Parallel()
	frame := []byte{0xff, 0xfb, 0x90, 0x00} // 417 bytes with its body
	tests := map[string]string{
		"nothing":                 "",
		"one byte":                "R",
		"text":                    "Dear Sir or Madam,\n",
		"an HLS playlist":         "#EXTM3U\n#EXTINF:4,\nfile:///etc/passwd\n",
		"one with a BOM":          "\xef\xbb\xbf#EXTM3U\n",
		"a DASH manifest":         "<?xml version=\"1.0\"?>\n<MPD></MPD>",
		"a concat script":         "ffconcat version 1.0\nfile a.wav\n",
		"an SDP":                  "v=0\no=- 0 0 IN IP4 127.0.0.1\n",
		"a Nintendo tune":         "NESM\x1a\x01",
		"a web page":              "<!doctype html>",
		"zeros":                   strings.Repeat("\x00", SniffLen),
		"a RIFF of video":         "RIFF\x00\x01\x00\x00AVI LIST",
		"a RIFF of a picture":     "RIFF\x00\x01\x00\x00WEBPVP8 ",
		"an IFF of a picture":     "FORM\x00\x00\x01\x00ILBMBMHD",
		"EBML of no kind":         "\x1a\x45\xdf\xa3\x80",
		"a HEIC picture":          "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
		"a HEIC claiming MP4":     "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1isom",
		"a ftyp that is cut":      "\x00\x00\x00\x18ftyp",
		"an Ogg of video":         oggPage(2, "\x80theora\x03\x02"),
		"an Ogg without start":    oggPage(0, "OpusHead"),
		"a FLAC marker alone":     "fLaC",
		"a FLAC of no STREAMINFO": "fLaC\x04\x00\x00\x22",
		"CAF of another version":  "caff\x00\x02\x00\x00",
		"one MP3 sync":            string(frame),
		"one MP3 sync in text":    string(frame) + strings.Repeat("lorem ipsum ", 600),
		"MP2":                     strings.Repeat("\xff\xfd\x90\x00"+strings.Repeat("\x00", 413), 4),
		"one ADTS frame":          "\xff\xf1\x50\x80\x02\x1f\xfc" + strings.Repeat("\x00", 9) + "lorem ipsum",
		"a WAV of no known codec": "RIFF\x00\x00\x01\x00WAVEfmt \x10\x00\x00\x00\x22\x00\x01\x00" + strings.Repeat("\x00", 12),
		"a WAV that hides it":     "RIFF\x00\x00\x01\x00WAVELIST\x02\x00\x00\x00xxfmt \x28\x00\x00\x00\xfe\xff" + strings.Repeat("\x00", 22) + "\x22\x00" + strings.Repeat("\x00", 14),
		"a box called moov":       "\x00\x00\x01\x00moovlorem ipsum",
		"an AMR of two channels":  "#!AMR_MC1.0\n\x00\x00\x00\x02",
		"UTF-16 text":             "\xff\xfeh\x00e\x00l\x00l\x00o\x00",
		"a tag and text":          "ID3\x03\x00\x00\x00\x00\x00\x0a" + strings.Repeat("\x00", 10) + strings.Repeat("text ", 400),
		"a tag alone":             "ID3\x03\x00\x00\x00\x00\x00\x0a" + strings.Repeat("\x00", 10),
		"ID3 in a word":           "ID3 is a tag format",
	}
	for name, content := range tests {
		f, ok := Sniff([]byte(content))
		require.False(t, ok, "%s is taken for %s", name, f.Name)
		require.Equal(t, Format{}, f, name)
	}
}

func TestSniffAcceptsUnusualFiles(t *testing.T) {
	t.Parallel()
	frames := strings.Repeat("\xff\xfb\x90\x00"+strings.Repeat("\x00", 413), 4)
	longTag := "ID3\x03\x00\x00\x00\x7f\x7f\x7f" + strings.Repeat("\x00", SniffLen-10)
	tests := map[string]struct {
		content string
		want    Format
	}{
		"MPEG-2 layer III":             {strings.Repeat("\xff\xf3\x80\xc0"+strings.Repeat("\x00", 204), 4), formatMP3},
		"two frames and no more":       {frames[:834], formatMP3},
		"Matroska":                     {"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska", formatMatroska},
		"QuickTime":                    {"\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00qt  ", formatMOV},
		"QuickTime without a brand":    {"\x00\x00\x00\x08wide\x00\x00\x01\x00mdat", formatMOV},
		"QuickTime, index first":       {"\x00\x00\x01\x00moov\x00\x00\x00\x6cmvhd", formatMOV},
		"an Ogg of speech":             {oggPage(2, "Speex   1.2"), formatOggSpeex},
		"ADTS":                         {strings.Repeat("\xff\xf1\x50\x80\x02\x1f\xfc"+strings.Repeat("\x00", 9), 8), formatADTS},
		"ADTS behind a tag":            {"ID3\x04\x00\x00\x00\x00\x00\x00" + strings.Repeat("\xff\xf1\x50\x80\x02\x1f\xfc"+strings.Repeat("\x00", 9), 8), formatADTS},
		"AMR":                          {"#!AMR\n\x3c", formatAMR},
		"wide-band AMR":                {"#!AMR-WB\n\x44", formatAMR},
		"a WAV of GSM":                 {"RIFF\x00\x00\x01\x00WAVEfmt \x14\x00\x00\x00\x31\x00\x01\x00" + strings.Repeat("\x00", 16), formatWAV},
		"a WAV whose codec is far off": {"RIFF\x00\x00\x01\x00WAVEJUNK\x00\x00\x01\x00", formatWAV},
		"a tag, padding, frames":       {"ID3\x04\x00\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 100) + frames, formatMP3},
		"a tag past the head":          {longTag, formatMP3},
		"two tags":                     {"ID3\x03\x00\x00\x00\x00\x00\x00ID3\x04\x00\x00\x00\x00\x00\x00" + frames, formatMP3},
		"a tag before FLAC":            {"ID3\x03\x00\x00\x00\x00\x00\x02\x00\x00fLaC\x00\x00\x00\x22", formatFLAC},
		"a FLAC of one block":          {"fLaC\x80\x00\x00\x22", formatFLAC},
		"BW64":                         {"BW64\xff\xff\xff\xffWAVEds64", formatWAV},
		"AIFF-C":                       {"FORM\x00\x00\x01\x00AIFCFVER", formatAIFF},
		"WebM by a streaming muxer":    {"\x1a\x45\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1f\x42\x82\x01\x00\x00\x00\x00\x00\x00\x04webm", formatWebM},
		"an iPhone's m4a":              {"\x00\x00\x00\x1cftypM4A \x00\x00\x00\x00M4A isommp42", formatM4A},
		"Safari's fragments":           {"\x00\x00\x00\x1cftypiso5\x00\x00\x00\x01iso5hlsf", formatMP4},
		"a maker's brand":              {"\x00\x00\x00\x18ftypXAVC\x00\x00\x00\x00mp42iso2", formatMP4},
		"3GP":                          {"\x00\x00\x00\x18ftyp3gp5\x00\x00\x02\x003gp5isom", format3GP},
		"3G2":                          {"\x00\x00\x00\x14ftyp3g2a\x00\x00\x02\x003g2a", format3GP},
		"Ogg with a skeleton in front": {oggPage(2, "fishead\x00") + oggPage(2, "OpusHead\x01"), formatOggOpus},
		"Ogg with video and Vorbis":    {oggPage(2, "\x80theora") + oggPage(2, "\x01vorbis"), formatOggVorbis},
	}
	for name, tt := range tests {
		f, ok := Sniff([]byte(tt.content))
		require.True(t, ok, name)
		require.Equal(t, tt.want, f, name)
	}
}

// oggPage returns a page of one segment.
func oggPage(flags byte, body string) string {
	page := make([]byte, 27)
	copy(page, "OggS\x00")
	page[5], page[26] = flags, 1
	return string(page) + string([]byte{byte(len(body))}) + body
}

func TestConvertLooksBehindALongTag(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tag := append([]byte("ID3\x03\x00\x00\x00\x04\x00\x00"), make([]byte, 4<<14)...)
	for _, name := range []string{"bare.mp3", "tune.flac"} {
		audio, err := os.ReadFile(recording(t, name).Path)
		require.NoError(t, err)
		src := filepath.Join(dir, "tagged-"+name)
		require.NoError(t, os.WriteFile(src, append(bytes.Clone(tag), audio...), 0o600))
		got, err := newConverter(t, testConfig()).Convert(t.Context(), src, filepath.Join(dir, "audio.wav"), orak.Limits{}, nil)
		require.NoError(t, err)
		require.Equal(t, []orak.Damage{}, got.Damage)
	}
	src := filepath.Join(dir, "tag-and-text.mp3")
	require.NoError(t, os.WriteFile(src, append(bytes.Clone(tag), strings.Repeat("text ", 9999)...), 0o600))
	f, ok := Sniff(head(t, src))
	require.True(t, ok, "only the tag can be seen")
	require.Equal(t, formatMP3, f)
	_, err := newConverter(t, testConfig()).Convert(t.Context(), src, filepath.Join(dir, "out.wav"), orak.Limits{}, nil)
	requireClass(t, orak.ClassInput, err)
}

func TestMP3HeadersAreReadAsTheStandardSays(t *testing.T) {
	t.Parallel()
	for header, want := range map[uint32]mp3Header{
		0xfffb9000: {size: 417, samples: 1152, sampleRate: 44100, mpeg1: true},
		0xfffb92c0: {size: 418, samples: 1152, sampleRate: 44100, mono: true, mpeg1: true},
		0xfffbe800: {size: maxMP3Frame - 1, samples: 1152, sampleRate: 32000, mpeg1: true},
		0xfff384c0: {size: 192, samples: 576, sampleRate: 24000, mono: true},
		0xffe388c0: {size: 576, samples: 576, sampleRate: 8000, mono: true},
	} {
		h, ok := parseMP3Header(binary.BigEndian.AppendUint32(nil, header))
		require.True(t, ok)
		require.Equal(t, want, h)
	}
	for _, header := range []uint32{0xfffb0000, 0xfffbf000, 0xfffb9c00, 0xffeb9000, 0xfffd9000, 0xfffb9002, 0xff1b9000} {
		_, ok := parseMP3Header(binary.BigEndian.AppendUint32(nil, header))
		require.False(t, ok, "%x", header)
	}
}

func FuzzSniff(f *testing.F) {
	f.Add([]byte("OggS\x00\x02"))
	f.Add([]byte("ID3\x03\x00\x00\x00\x00\x00\x00ID3\x03\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x00\x00\x00\x10ftypisom\x00\x00\x00\x00"))
	f.Add([]byte("\x1a\x45\xdf\xa3\x42\x82"))
	f.Fuzz(func(t *testing.T, b []byte) {
		format, ok := Sniff(b)
		require.Equal(t, ok, format != Format{})
	})
}
