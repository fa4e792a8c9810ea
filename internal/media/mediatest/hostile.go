package mediatest

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"
)

// Secret is the text in a file that the hostile playlists refer to; it must never
// be in any output.
const Secret = "TOP-SECRET-8d1f0c"

// HostileSample is a file that tries to harm its converter.
type HostileSample struct {
	Sample
	// Refused means that the file must be refused as an input fault; the others
	// have audio and must be converted within the limits.
	Refused bool
}

// Hostile writes files into dir that try to harm their converter, and returns them.
// Those with a Format are accepted by their first bytes.
func Hostile(t testing.TB, dir string) []HostileSample {
	t.Helper()
	secretText := write(t, dir, "secret.txt", []byte(Secret+"\n"))
	// Targets in the forms in which ffmpeg's demuxers follow a playlist.
	secretWAV := write(t, dir, "secret.wav", WAV(16000, 1, Tune(16000)))
	secretMP3, secretMP4 := filepath.Join(dir, "secret.mp3"), filepath.Join(dir, "secret.mp4")
	ffmpeg(t, "-i", secretWAV, "-c:a", "libmp3lame", secretMP3)
	ffmpeg(t, "-i", secretWAV, "-c:a", "aac", "-movflags", "+empty_moov+default_base_moof", "-frag_duration", "1000000", secretMP4)
	refused := func(name string, content []byte) HostileSample {
		return HostileSample{Sample: Sample{Name: name, Path: write(t, dir, name, content)}, Refused: true}
	}
	wav := func(name string, refused bool, content []byte) HostileSample {
		return HostileSample{Sample: Sample{Name: name, Path: write(t, dir, name, content),
			Format: "wav", MediaType: "audio/wav", Codec: "pcm_s16le"}, Refused: refused}
	}
	samples := []HostileSample{
		refused("empty.mp3", nil),
		refused("text.m4a", []byte("This is no recording; it is a letter.\n")),
		refused("playlist.wav", []byte("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:4.0,\nfile://"+secretMP3+"\n#EXT-X-ENDLIST\n")),
		refused("playlist-text.wav", []byte("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:4.0,\nfile://"+secretText+"\n#EXT-X-ENDLIST\n")),
		refused("manifest.mp4", []byte(manifest(secretMP4))),
		refused("script.mp3", []byte("ffconcat version 1.0\nfile 'secret.wav'\n")),
		refused("script.flac", []byte("ffconcat version 1.0\nfile '"+secretText+"'\n")),
		refused("tune.nsf", nsf()),
		refused("tagged-text.mp3", append(id3(2000), "not a single frame of audio follows this tag"...)),
		wav("riff-playlist.wav", true, append([]byte("RIFF\x00\x01\x00\x00WAVE"), "#EXTM3U\n#EXTINF:4.0,\nfile://"+secretMP3+"\n"...)),
		wav("one-hertz.wav", true, WAV(1, 1, Tune(8000))),
		wav("no-samples.wav", true, WAV(16000, 1, nil)),
		wav("many-channels.wav", true, WAV(16000, 64, make([]int16, 64*1600))),
		// Real audio behind a header that claims 13 hours.
		wav("lying.wav", false, lying(WAV(16000, 1, Tune(16000)))),
	}
	bomb := HostileSample{Sample: Sample{Name: "bomb.flac", Path: filepath.Join(dir, "bomb.flac"),
		Format: "flac", MediaType: "audio/flac", Codec: "flac"}, Refused: true}
	// Three hours of silence in a few hundred kilobytes.
	ffmpeg(t, "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono:d=10800", "-c:a", "flac", "-frame_size", "65535", "-f", "flac", bomb.Path)
	return append(samples, bomb)
}

// manifest returns a DASH manifest whose only segment is a local file.
func manifest(path string) string {
	return fmt.Sprintf(`<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT4S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011">
<Period><AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="64000" codecs="mp4a.40.2"><BaseURL>file://%s</BaseURL></Representation></AdaptationSet></Period>
</MPD>
`, path)
}

// nsf returns a Nintendo tune: a program that plays forever.
func nsf() []byte {
	b := make([]byte, 0x80+33)
	copy(b, "NESM\x1a\x01\x01\x01")
	binary.LittleEndian.PutUint16(b[8:], 0x8000)  // where it is loaded,
	binary.LittleEndian.PutUint16(b[10:], 0x8000) // begins,
	binary.LittleEndian.PutUint16(b[12:], 0x8000) // and goes on
	copy(b[0x0e:], "forever")
	binary.LittleEndian.PutUint16(b[0x6e:], 16666)
	b[0x80] = 0x60 // RTS
	return b
}

// id3 returns an empty ID3 tag with padding.
func id3(padding int) []byte {
	b := make([]byte, 10+padding)
	copy(b, "ID3\x03\x00\x00")
	for i := range 4 {
		b[9-i] = byte(padding>>(7*i)) & 0x7f
	}
	return b
}

// lying returns a WAV whose header claims 1.5 GB of audio.
func lying(wav []byte) []byte {
	binary.LittleEndian.PutUint32(wav[4:], 1_500_000_036)
	binary.LittleEndian.PutUint32(wav[40:], 1_500_000_000)
	return wav
}
