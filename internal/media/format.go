package media

// Format is an accepted file format.
type Format struct {
	// Name is for people and metric labels: "webm", "mka", "ogg/opus",
	// "ogg/vorbis", "ogg/speex", "ogg/flac", "m4a", "mp4", "mov", "3gp", "aac",
	// "amr", "mp3", "flac", "wav", "w64", "aiff" or "caf".
	Name string
	// MediaType is the media type that the recording is stored and served with. It
	// is always an audio type, since only the audio is used.
	MediaType string
	// demuxer is the only demuxer of ffmpeg that may read the file.
	demuxer string
}

// The accepted formats.
var (
	formatWebM      = Format{"webm", "audio/webm", "matroska"}
	formatMatroska  = Format{"mka", "audio/x-matroska", "matroska"}
	formatOggOpus   = Format{"ogg/opus", "audio/ogg", "ogg"}
	formatOggVorbis = Format{"ogg/vorbis", "audio/ogg", "ogg"}
	formatOggSpeex  = Format{"ogg/speex", "audio/ogg", "ogg"}
	formatOggFLAC   = Format{"ogg/flac", "audio/ogg", "ogg"}
	formatM4A       = Format{"m4a", "audio/mp4", "mov"}
	formatMP4       = Format{"mp4", "audio/mp4", "mov"}
	formatMOV       = Format{"mov", "audio/mp4", "mov"}
	formatADTS      = Format{"aac", "audio/aac", "aac"}
	formatAMR       = Format{"amr", "audio/amr", "amr"}
	format3GP       = Format{"3gp", "audio/3gpp", "mov"}
	formatMP3       = Format{"mp3", "audio/mpeg", "mp3"}
	formatFLAC      = Format{"flac", "audio/flac", "flac"}
	formatWAV       = Format{"wav", "audio/wav", "wav"}
	formatW64       = Format{"w64", "audio/x-w64", "w64"}
	formatAIFF      = Format{"aiff", "audio/aiff", "aiff"}
	formatCAF       = Format{"caf", "audio/x-caf", "caf"}
)

// Accepted lists the media types of the accepted formats, each once, for the
// answer that refuses another file.
func Accepted() []string {
	return []string{
		formatWebM.MediaType, formatOggOpus.MediaType, formatM4A.MediaType,
		format3GP.MediaType, formatMP3.MediaType, formatFLAC.MediaType,
		formatWAV.MediaType, formatAIFF.MediaType, formatCAF.MediaType,
		formatADTS.MediaType, formatAMR.MediaType, formatMatroska.MediaType, formatW64.MediaType,
	}
}

// decoders maps the accepted codecs, by ffprobe's names, to the decoders of ffmpeg
// that may run for them. The names differ between builds; a name that a build
// lacks does no harm.
func decoders() map[string][]string {
	d := map[string][]string{
		"opus":          {"opus", "libopus"},
		"vorbis":        {"vorbis", "libvorbis"},
		"aac":           {"aac", "aac_fixed", "libfdk_aac"},
		"alac":          {"alac"},
		"mp3":           {"mp3float", "mp3"},
		"flac":          {"flac"},
		"amr_nb":        {"amrnb", "libopencore_amrnb"},
		"amr_wb":        {"amrwb", "libopencore_amrwb"},
		"speex":         {"speex", "libspeex"},
		"gsm_ms":        {"gsm_ms", "libgsm_ms"},
		"adpcm_ms":      {"adpcm_ms"},
		"adpcm_ima_wav": {"adpcm_ima_wav"},
		"adpcm_ima_qt":  {"adpcm_ima_qt"},
	}
	for _, pcm := range []string{
		"pcm_u8", "pcm_s8", "pcm_alaw", "pcm_mulaw",
		"pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le",
		"pcm_s16be", "pcm_s24be", "pcm_s32be", "pcm_f32be", "pcm_f64be",
	} {
		d[pcm] = []string{pcm}
	}
	return d
}
