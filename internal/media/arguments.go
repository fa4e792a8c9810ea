package media

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// wavHeader is the length of the header of the WAV that ffmpeg writes with
// the arguments below.
const wavHeader = 44

// sampleRate is the sample rate of the converted audio, in Hz.
const sampleRate = 16000

// source is a file and the format of its first bytes.
type source struct {
	path   string // absolute
	format Format
	// end is the offset of the end of its audio, before tags that ffmpeg takes for
	// audio; 0 is the end of the file.
	end int64
	// ignoreLength says that the length in its header is wrong: the audio continues
	// to the end of the file.
	ignoreLength bool
}

// inputArguments returns the arguments by which both programs open the file. They
// keep files from making ffmpeg read other files.
func (s source) inputArguments() []string {
	args := []string{
		// An input may lead only to files: no network, no pipe.
		"-protocol_whitelist", s.protocols(),
		// Only the demuxer of the detected format may be opened, also by a demuxer
		// that opens others.
		"-format_whitelist", s.format.demuxer,
		// Only these decoders may run: no video, no subtitles, no pictures.
		"-codec_whitelist", decoderList(),
		// Do not detect the format again: that finds playlists.
		"-f", s.format.demuxer,
	}
	if s.ignoreLength {
		args = append(args, "-ignore_length", "1")
	}
	if s.format.demuxer == "mov" {
		// MP4 can refer to audio in another file: never follow that.
		args = append(args, "-enable_drefs", "0", "-use_absolute_path", "0")
	}
	return args
}

func (s source) protocols() string {
	if s.end > 0 {
		return "subfile,file"
	}
	return "file"
}

// url returns what ffmpeg opens.
func (s source) url() string {
	if s.end > 0 {
		return "subfile,,start,0,end," + strconv.FormatInt(s.end, 10) + ",,:" + s.path
	}
	return url(s.path)
}

// url returns the file's name for ffmpeg: with the protocol, so that nothing in the
// name is taken for one, and never beginning with a dash.
func url(path string) string { return "file:" + path }

// probeArguments returns those by which ffprobe prints one JSON document about the
// audio streams.
func probeArguments(s source) []string {
	args := []string{
		"-hide_banner",
		// Only errors, repeated ones too, with the level in front.
		"-loglevel", "repeat+level+error",
		// No single allocation over 256 MiB: a header may ask for anything.
		"-max_alloc", "268435456",
	}
	args = append(args, s.inputArguments()...)
	return append(args,
		// ffprobe opens a decoder for every stream, and gives up if one is refused.
		// These may be opened for pictures and subtitles. They are not run: reading
		// the file uses only the list above.
		"-codec_whitelist:v", pictureDecoders, "-codec_whitelist:s", subtitleDecoders,
		"-threads", "1",
		// Only audio streams, and only the fields that are parsed: tags and chapters
		// can be long.
		"-select_streams", "a",
		"-show_entries", "stream=index,codec_name,sample_rate,channels,channel_layout,duration:format=duration",
		"-print_format", "json",
		"-i", s.url(),
	)
}

// openArguments returns those by which ffmpeg opens the file.
func openArguments(s source) []string {
	args := []string{
		"-hide_banner",
		// Never wait for a key.
		"-nostdin",
		// The meters print at level info; "repeat" keeps equal lines apart, so that
		// decode errors can be counted.
		"-loglevel", "repeat+level+info",
		// No single allocation over 256 MiB: a header may ask for anything.
		"-max_alloc", "268435456",
		// Exit with 0 however many packets are broken: the output is checked.
		"-max_error_rate", "1",
		// Progress twice a second on standard output.
		"-nostats", "-progress", "pipe:1",
		// The temporary file exists already.
		"-y",
		// One thread for decoding and one for filters: conversions run in parallel,
		// and more threads only cost memory.
		"-threads", "1", "-filter_threads", "1",
		// Skip video, subtitles and data in the demuxer, so that a cover picture is
		// not even buffered.
		"-vn", "-sn", "-dn",
		// Timestamps as the file has them, not moved to begin at 0.
		"-copyts",
	}
	return append(append(args, s.inputArguments()...), "-i", s.url())
}

// decodeArguments returns those that decode one stream of the file through a chain
// of filters, for at most limit.
func decodeArguments(stream, filters string, limit time.Duration) []string {
	return []string{
		// The chosen stream, not ffmpeg's own choice.
		"-map", "0:" + stream,
		"-filter:a", filters,
		// A limit in time: a megabyte can hold a day of silence.
		"-t", strconv.FormatFloat(limit.Seconds(), 'f', 3, 64),
	}
}

// outlineArguments returns those that write the outline of the file to standard
// output: a description of every audio stream, and the checksum of its first packet.
// They come before those of another output, or ffmpeg would not end before the end
// of the file.
func outlineArguments() []string {
	return []string{
		"-map", "0:a", "-codec:a", "copy", "-frames:a", "1",
		"-map_metadata", "-1", "-fflags", "+bitexact",
		// At once: the rest may take an hour.
		"-flush_packets", "1",
		"-f", "framecrc", "pipe:1",
	}
}

// encodeArguments returns those that convert the chosen part of the file to a WAV
// at out, of at most limit.
func encodeArguments(chosen selection, out string, limit time.Duration) []string {
	return append(decodeArguments(chosen.specifier, chosen.filters(), limit),
		// No titles and chapters, and with bitexact no encoder's name: so the header
		// of the WAV has 44 bytes.
		"-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact",
		// What the analysis needs: 16-bit PCM, mono, 16 kHz.
		"-codec:a", "pcm_s16le", "-ar", strconv.Itoa(sampleRate),
		"-threads", "1",
		// And a limit in bytes.
		"-fs", strconv.FormatInt(outputLimit(limit), 10),
		"-f", "wav", url(out),
	)
}

// surveyFilter measures the level of each channel.
const surveyFilter = "astats=measure_perchannel=RMS_level:measure_overall=none"

// surveyArguments returns those that measure every channel of a stream and write
// nothing.
func surveyArguments(s source, stream string, limit time.Duration) []string {
	return slices.Concat(openArguments(s), decodeArguments(stream, surveyFilter, limit), []string{"-f", "null", "-"})
}

// outputLimit returns the size of a WAV of length limit, in bytes, with some room so
// that -t is what ends it.
func outputLimit(limit time.Duration) int64 {
	return int64(limit.Seconds()*sampleRate*2) + 64<<10
}

// The decoders of common streams besides audio: films, cover pictures and
// captions. A file with others is refused.
const (
	pictureDecoders = "h264,hevc,vp8,vp9,libvpx,libvpx-vp9,av1,libdav1d,libaom-av1,libgav1,mpeg4,h263,mjpeg,mpeg1video,mpeg2video," +
		"theora,prores,rawvideo,png,gif,bmp,webp,tiff,jpeg2000,libopenjpeg"
	subtitleDecoders = "mov_text,webvtt,subrip,ass,ssa,ttml,text"
)

func decoderList() string {
	var names []string
	for _, d := range decoders() {
		names = append(names, d...)
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}
