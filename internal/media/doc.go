// Package media tells what an uploaded file is and turns it into the one
// shape that is analyzed: 16 kHz, mono, 16-bit PCM in a WAV file.
//
//	file ─► Sniff ─► ffprobe ─► ffmpeg ─► count samples ─► rename
//	        magic     one JSON    temporary    look for        dst
//	        bytes     document    WAV          truncation
//
// What it promises:
//
//   - The file is hostile. Its format is decided by its own first bytes and
//     then pinned: ffmpeg is told which demuxer to use and may use no other,
//     so playlists, manifests and concat scripts, which make ffmpeg open
//     further files, are text to it. Only audio decoders may run. Time, CPU,
//     memory and output are bounded, and on Linux the child sees no file but
//     its own, no network and no other process (fence_linux.go,
//     filter_linux.go).
//   - dst appears whole or not at all: it is written under a temporary name,
//     synced, and renamed.
//   - An exit status of 0 is not believed. The samples on the disk are
//     counted, and the container's own structure is read to tell whether the
//     file was cut off (truncation.go).
//   - A recording that is cut off but has some audio IS analyzed, and says so
//     in Audio.Damage: half a song is worth more to its singer than an error.
//     A header that claims more audio than the file has is the same thing
//     seen from outside, and never fails a file that decodes.
//   - Every error is an *orak.Fault. ClassInput is said only of what the file
//     itself shows. A missing ffmpeg and a full disk are ClassDependency:
//     every upload would fail of them, so they are waited out. A child that
//     was killed, a slow machine and a failing read are ClassTransient.
//   - The child runs in a process group of its own, which is killed as a
//     group when the caller's context ends, and on Linux also when this
//     process dies.
//
// What it does not promise: a stream format without sizes (MediaRecorder's
// WebM, a FLAC from a pipe, MP3 without a Xing header) that is cut exactly
// between two frames looks whole, and nothing can tell.
//
// Why an own table of magic bytes: the libraries at hand name a container
// but not what is in it (Ogg with video, an image in an MP4 box), and take
// two bytes for an MP3. Here each accepted format is checked as far as its
// first SniffLen bytes allow, and all else is refused.
package media
