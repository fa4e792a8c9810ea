package mediatest

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// voiceAMR is the tune in AMR-NB at 12.2 kbit/s, encoded from Tune(8000) by
// opencore-amr 0.1.6. It is a file because most builds of ffmpeg only decode AMR.
//
//go:embed testdata/tune.amr
var voiceAMR []byte

// Sample is a file to test with.
type Sample struct {
	// Name is its file name, with the usual extension of the format that it has or
	// claims to have.
	Name string
	// Path is its full path.
	Path string
	// Format and MediaType are named as in package media, Codec as in ffprobe. They
	// are empty for hostile files that must be refused by their first bytes.
	Format    string
	MediaType string
	Codec     string
	// Streamed means that the file does not declare its length, so that a cut does
	// not show.
	Streamed bool
	// IndexLast means that nothing can be read without the end of the file.
	IndexLast bool
}

// recipe is how ffmpeg makes a Sample of the tune.
type recipe struct {
	Sample
	args []string
}

// recipes has every accepted format, as recorders and editors write them.
func recipes() []recipe {
	return []recipe{
		{Sample{Name: "tune.webm", Format: "webm", MediaType: "audio/webm", Codec: "opus"},
			[]string{"-c:a", "libopus", "-f", "webm"}},
		// As a browser's MediaRecorder writes it: no lengths, no duration.
		{Sample{Name: "recorder.webm", Format: "webm", MediaType: "audio/webm", Codec: "opus", Streamed: true},
			[]string{"-c:a", "libopus", "-f", "webm", "-live", "1", "-flush_packets", "1"}},
		{Sample{Name: "opus.ogg", Format: "ogg/opus", MediaType: "audio/ogg", Codec: "opus"},
			[]string{"-c:a", "libopus", "-f", "ogg"}},
		{Sample{Name: "vorbis.ogg", Format: "ogg/vorbis", MediaType: "audio/ogg", Codec: "vorbis"},
			[]string{"-c:a", "libvorbis", "-f", "ogg"}},
		{Sample{Name: "tune.m4a", Format: "m4a", MediaType: "audio/mp4", Codec: "aac", IndexLast: true},
			[]string{"-c:a", "aac", "-f", "ipod"}},
		{Sample{Name: "faststart.m4a", Format: "m4a", MediaType: "audio/mp4", Codec: "aac"},
			[]string{"-c:a", "aac", "-movflags", "+faststart", "-f", "ipod"}},
		{Sample{Name: "lossless.m4a", Format: "m4a", MediaType: "audio/mp4", Codec: "alac"},
			[]string{"-c:a", "alac", "-movflags", "+faststart", "-f", "ipod"}},
		{Sample{Name: "video.mp4", Format: "mp4", MediaType: "audio/mp4", Codec: "aac"},
			[]string{"-f", "lavfi", "-i", "testsrc=size=320x240:rate=10:duration=4", "-c:a", "aac", "-c:v", "mpeg4", "-movflags", "+faststart", "-f", "mp4"}},
		// As Safari's MediaRecorder writes it: in fragments.
		{Sample{Name: "fragments.mp4", Format: "mp4", MediaType: "audio/mp4", Codec: "aac"},
			[]string{"-c:a", "aac", "-movflags", "+empty_moov+default_base_moof", "-frag_duration", "500000", "-f", "mp4"}},
		{Sample{Name: "tune.mp3", Format: "mp3", MediaType: "audio/mpeg", Codec: "mp3"},
			[]string{"-c:a", "libmp3lame", "-q:a", "4", "-metadata", "title=Scale", "-f", "mp3"}},
		{Sample{Name: "bare.mp3", Format: "mp3", MediaType: "audio/mpeg", Codec: "mp3"},
			[]string{"-c:a", "libmp3lame", "-b:a", "64k", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3"}},
		{Sample{Name: "cover.mp3", Format: "mp3", MediaType: "audio/mpeg", Codec: "mp3"},
			[]string{"-f", "lavfi", "-i", "color=c=red:size=2000x2000:duration=0.04:rate=25", "-map", "0:a", "-map", "1:v", "-frames:v", "1",
				"-c:v", "png", "-disposition:v", "attached_pic", "-c:a", "libmp3lame", "-id3v2_version", "3", "-f", "mp3"}},
		{Sample{Name: "tune.flac", Format: "flac", MediaType: "audio/flac", Codec: "flac"},
			[]string{"-c:a", "flac", "-f", "flac"}},
		{Sample{Name: "tune.wav", Format: "wav", MediaType: "audio/wav", Codec: "pcm_s16le"},
			[]string{"-c:a", "pcm_s16le", "-f", "wav"}},
		{Sample{Name: "rf64.wav", Format: "wav", MediaType: "audio/wav", Codec: "pcm_s24le"},
			[]string{"-c:a", "pcm_s24le", "-rf64", "always", "-f", "wav"}},
		{Sample{Name: "surround.wav", Format: "wav", MediaType: "audio/wav", Codec: "pcm_s16le"},
			[]string{"-c:a", "pcm_s16le", "-ac", "8", "-ar", "192000", "-f", "wav"}},
		{Sample{Name: "tune.mka", Format: "mka", MediaType: "audio/x-matroska", Codec: "flac"},
			[]string{"-c:a", "flac", "-f", "matroska"}},
		{Sample{Name: "speex.ogg", Format: "ogg/speex", MediaType: "audio/ogg", Codec: "speex"},
			[]string{"-c:a", "libspeex", "-ar", "32000", "-q:a", "10", "-f", "ogg"}},
		{Sample{Name: "flac.ogg", Format: "ogg/flac", MediaType: "audio/ogg", Codec: "flac"},
			[]string{"-c:a", "flac", "-f", "ogg"}},
		// As iPhones and older cameras film.
		{Sample{Name: "phone.mov", Format: "mov", MediaType: "audio/mp4", Codec: "aac"},
			[]string{"-c:a", "aac", "-movflags", "+faststart", "-f", "mov"}},
		{Sample{Name: "camera.mov", Format: "mov", MediaType: "audio/mp4", Codec: "pcm_s16le"},
			[]string{"-c:a", "pcm_s16le", "-movflags", "+faststart", "-f", "mov"}},
		{Sample{Name: "tune.aac", Format: "aac", MediaType: "audio/aac", Codec: "aac"},
			[]string{"-c:a", "aac", "-f", "adts"}},
		{Sample{Name: "tune.w64", Format: "w64", MediaType: "audio/x-w64", Codec: "pcm_s16le"},
			[]string{"-c:a", "pcm_s16le", "-f", "w64"}},
		{Sample{Name: "tune.aiff", Format: "aiff", MediaType: "audio/aiff", Codec: "pcm_s16be"},
			[]string{"-c:a", "pcm_s16be", "-f", "aiff"}},
		{Sample{Name: "tune.aifc", Format: "aiff", MediaType: "audio/aiff", Codec: "pcm_mulaw"},
			[]string{"-c:a", "pcm_mulaw", "-f", "aiff"}},
		{Sample{Name: "tune.caf", Format: "caf", MediaType: "audio/x-caf", Codec: "pcm_s16be"},
			[]string{"-c:a", "pcm_s16be", "-f", "caf"}},
	}
}

// Generate writes the tune into dir in every accepted format, with a file for each
// variant, and returns them all. It needs an ffmpeg with the usual encoders in PATH
// and takes a few seconds.
func Generate(t testing.TB, dir string) []Sample {
	t.Helper()
	tune := write(t, dir, "source.wav", WAV(48000, 1, Tune(48000)))
	amr := write(t, dir, "source.amr", voiceAMR)
	var samples []Sample
	for _, r := range recipes() {
		r.Path = filepath.Join(dir, r.Name)
		ffmpeg(t, append(append([]string{"-i", tune}, r.args...), r.Path)...)
		samples = append(samples, r.Sample)
	}
	phone := Sample{Name: "phone.3gp", Path: filepath.Join(dir, "phone.3gp"), Format: "3gp", MediaType: "audio/3gpp", Codec: "amr_nb"}
	ffmpeg(t, "-f", "amr", "-i", amr, "-c", "copy", "-movflags", "+faststart", "-f", "3gp", phone.Path)
	raw := Sample{Name: "tune.amr", Path: filepath.Join(dir, "tune.amr"), Format: "amr", MediaType: "audio/amr", Codec: "amr_nb"}
	write(t, dir, raw.Name, voiceAMR)
	return append(samples, phone, raw)
}

// One writes only the file of that name in Generate, for tests that need a single
// recording.
func One(t testing.TB, dir, name string) Sample {
	t.Helper()
	for _, r := range recipes() {
		if r.Name == name {
			r.Path = filepath.Join(dir, r.Name)
			tune := write(t, dir, "source.wav", WAV(48000, 1, Tune(48000)))
			ffmpeg(t, append(append([]string{"-i", tune}, r.args...), r.Path)...)
			return r.Sample
		}
	}
	t.Fatalf("no recipe for %s", name)
	return Sample{}
}

// Truncate writes the first share (0 to 1) of a sample into dir, under the
// name "cut-" and its own.
func Truncate(t testing.TB, s Sample, dir string, share float64) Sample {
	t.Helper()
	whole, err := os.ReadFile(s.Path)
	if err != nil {
		t.Fatalf("reading %s: %v", s.Name, err)
	}
	s.Name = "cut-" + s.Name
	s.Path = write(t, dir, s.Name, whole[:int(float64(len(whole))*share)])
	return s
}

// Make runs ffmpeg to write a file of that name into dir, and returns its path. args
// are all arguments between the general options and the output.
func Make(t testing.TB, dir, name string, args ...string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	ffmpeg(t, append(args, path)...)
	return path
}

func write(t testing.TB, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatalf("writing %s: %v", name, err)
	}
	return path
}

func ffmpeg(t testing.TB, args ...string) {
	t.Helper()
	cmd := exec.Command("ffmpeg", append([]string{"-hide_banner", "-nostdin", "-loglevel", "error", "-y"}, args...)...)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("making a recording with ffmpeg %v: %v\n%s", args, err, said)
	}
}
