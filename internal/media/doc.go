// Package media detects what an uploaded file is and converts it to the form that
// is analyzed: 16 kHz, mono, 16-bit PCM in a WAV file.
//
//	file ─► Sniff ─────────────► ffmpeg ─► count samples ─► rename
//	        magic  └► ffprobe ─┘  temporary    look for        dst
//	        bytes     one JSON    WAV          truncation
//	                  document
//
// A file with one audio stream, mono or stereo, is converted in one start of ffmpeg,
// which describes the stream meanwhile (outline.go). ffprobe runs before that where
// there is something to choose, such as several tracks or channels; where a
// conversion fails and the file may be the cause; and where audio seems to be missing.
//
// What it promises:
//
//   - The file is treated as hostile. Its first bytes decide its format, which
//     is then pinned: ffmpeg may use only that demuxer, so playlists, manifests
//     and concat scripts, which make ffmpeg open further files, are plain text
//     to it. Only audio decoders may run. Time, CPU, memory and output are
//     bounded, and on Linux a sandbox keeps the child from other files, the
//     network and other processes (fence_linux.go, filter_linux.go).
//   - dst appears whole or not at all: it is written under a temporary name,
//     synced, and renamed.
//   - An exit status of 0 proves nothing. The samples on disk are counted, and
//     the structure of the container shows whether the file was cut off
//     (truncation.go).
//   - A truncated recording with some audio is analyzed, and Audio.Damage says
//     so: half a song is worth more to its singer than an error. The same holds
//     for a header that claims more audio than the file has.
//   - Every error is an *orak.Fault. ClassInput is only for what the file itself
//     shows. A missing ffmpeg and a full disk are ClassDependency: every upload
//     would fail, so they are waited out. A killed child, a slow machine and a
//     failing read are ClassTransient.
//   - The child has a process group of its own, which is killed when the
//     caller's context ends, and on Linux also when this process dies.
//
// What it cannot detect: a stream format without sizes (MediaRecorder's WebM, a
// FLAC from a pipe, MP3 without a Xing header) that is cut exactly between two
// frames looks whole.
//
// Why a table of magic bytes of its own: libraries name a container but not what
// is in it (Ogg with video, an image in an MP4 box), and take two bytes for an
// MP3. Here each accepted format is checked as far as its first SniffLen bytes
// allow, and everything else is refused.
package media
