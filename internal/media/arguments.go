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

// sampleRate is that of the converted audio, in Hz.
const sampleRate = 16000

// source is a file with the format that its first bytes have.
type source struct {
	path   string // absolute
	format Format
	// end is where its audio ends, before tags that ffmpeg takes for audio; 0
	// is the end of the file.
	end int64
	// ignoreLength says that the length in its header is wrong, and the audio
	// goes on to the end of the file.
	ignoreLength bool
}

// inputArguments are those by which both programs open the file. They are the
// fence against files that make ffmpeg read other files.
func (s source) inputArguments() []string {
	args := []string{
		// No input file may lead to anything but a file: no network, no pipe.
		"-protocol_whitelist", s.protocols(),
		// Of all demuxers, only the one of the sniffed format may be opened,
		// also by a demuxer that opens others.
		"-format_whitelist", s.format.demuxer,
		// Only these decoders may run: no video, no subtitles, no pictures.
		"-codec_whitelist", decoderList(),
		// Do not guess the format again: guessing is what finds playlists.
		"-f", s.format.demuxer,
	}
	if s.ignoreLength {
		args = append(args, "-ignore_length", "1")
	}
	if s.format.demuxer == "mov" {
		// MP4 can say that its audio is in another file: never go there.
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

// url is what ffmpeg is to open.
func (s source) url() string {
	if s.end > 0 {
		return "subfile,,start,0,end," + strconv.FormatInt(s.end, 10) + ",,:" + s.path
	}
	return url(s.path)
}

// url is the file's name as ffmpeg must be given it: with the protocol, so
// that nothing in the name is taken for one, and never beginning with a dash.
func url(path string) string { return "file:" + path }

// probeArguments ask ffprobe for one JSON document about the audio streams.
func probeArguments(s source) []string {
	args := []string{
		"-hide_banner",
		// Errors only, each said each time, with its level in front.
		"-loglevel", "repeat+level+error",
		// No single allocation over 256 MiB: a header may ask for anything.
		"-max_alloc", "268435456",
	}
	args = append(args, s.inputArguments()...)
	return append(args,
		// ffprobe opens a decoder for every stream, and gives up when one is
		// refused. For pictures and subtitles these may be opened. They are
		// still not run: reading the file goes by the list above alone.
		"-codec_whitelist:v", pictureDecoders, "-codec_whitelist:s", subtitleDecoders,
		"-threads", "1",
		// Audio streams alone, and of them what is read below: tags and
		// chapters can be long.
		"-select_streams", "a",
		"-show_entries", "stream=index,codec_name,sample_rate,channels,channel_layout,duration:format=duration",
		"-print_format", "json",
		"-i", s.url(),
	)
}

// decodeArguments open one stream of the file and put its audio through a
// chain of filters, for at most limit.
func decodeArguments(s source, index int, filters string, limit time.Duration) []string {
	args := []string{
		"-hide_banner",
		// Never wait for a key.
		"-nostdin",
		// The meters say what they found at level info; "repeat" keeps equal
		// lines apart, so that decode errors can be counted.
		"-loglevel", "repeat+level+info",
		// No single allocation over 256 MiB: a header may ask for anything.
		"-max_alloc", "268435456",
		// Exit 0 however many packets are broken: we judge what came out.
		"-max_error_rate", "1",
		// A sign of life twice a second on standard output.
		"-nostats", "-progress", "pipe:1",
		// The temporary file exists already, and is ours.
		"-y",
		// One thread for decoding and one for filters: conversions run
		// beside each other, and more threads only cost memory.
		"-threads", "1", "-filter_threads", "1",
		// Leave out video, subtitles and data where the file is read, so that
		// a cover picture is not even buffered.
		"-vn", "-sn", "-dn",
		// Timestamps as the file has them, not moved to begin at 0.
		"-copyts",
	}
	args = append(args, s.inputArguments()...)
	return append(args,
		"-i", s.url(),
		// The one stream that was chosen, not ffmpeg's own choice.
		"-map", "0:"+strconv.Itoa(index),
		"-filter:a", filters,
		// A bound in time: a megabyte can hold a day of silence.
		"-t", strconv.FormatFloat(limit.Seconds(), 'f', 3, 64),
	)
}

// encodeArguments convert what is chosen of the file to a WAV at out, of at
// most limit.
func encodeArguments(s source, chosen selection, out string, limit time.Duration) []string {
	return append(decodeArguments(s, chosen.index, chosen.filters(), limit),
		// Titles and chapters have no place in the WAV, and bitexact keeps
		// the encoder's name out: the header has 44 bytes then.
		"-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact",
		// What the analysis wants: 16-bit PCM, mono, 16 kHz.
		"-codec:a", "pcm_s16le", "-ar", strconv.Itoa(sampleRate),
		"-threads", "1",
		// And a bound in bytes.
		"-fs", strconv.FormatInt(outputLimit(limit), 10),
		"-f", "wav", url(out),
	)
}

// surveyArguments measure every channel of a stream, and write nothing.
func surveyArguments(s source, index int, limit time.Duration) []string {
	return append(decodeArguments(s, index, "astats=measure_perchannel=RMS_level:measure_overall=none", limit), "-f", "null", "-")
}

// outputLimit is the size of a WAV that holds limit, with some room so that
// -t is what ends it.
func outputLimit(limit time.Duration) int64 {
	return int64(limit.Seconds()*sampleRate*2) + 64<<10
}

// The decoders of what commonly stands beside the audio: films, cover
// pictures and captions. A file with others is refused.
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
