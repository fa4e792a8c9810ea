package resource

import "orak"

// Voice is what an analysis says of a recording, as far as lists show it.
type Voice struct {
	// DurationS is in seconds.
	DurationS float64  `json:"duration_s"`
	Key       orak.Key `json:"key"`
	// TempoBPM is in beats per minute; 0 if no beat was found.
	TempoBPM float64 `json:"tempo_bpm"`
	// LowHz and HighHz bound the vocal range, TessituraLowHz and TessituraHighHz the
	// middle 80 % of it, in Hz; all are 0 for silence. LowNote and HighNote are the
	// range in scientific pitch notation; empty for silence.
	LowHz           float64 `json:"low_hz"`
	HighHz          float64 `json:"high_hz"`
	LowNote         string  `json:"low_note"`
	HighNote        string  `json:"high_note"`
	TessituraLowHz  float64 `json:"tessitura_low_hz"`
	TessituraHighHz float64 `json:"tessitura_high_hz"`
	MedianHz        float64 `json:"median_hz"`
	// VoicedRatio is the share of voiced frames, 0 to 1.
	VoicedRatio float64 `json:"voiced_ratio"`
}

// ListedUpload is an upload as the index has it, which follows its status by
// moments. It has no Attempt and no StageProgress.
type ListedUpload struct {
	Upload
	// Voice is nil unless the upload is completed.
	Voice *Voice `json:"voice,omitempty"`
}

// UploadPage is one page of uploads, the latest received first.
type UploadPage struct {
	Uploads []ListedUpload `json:"uploads"`
	// Next is the page_token of the next page; empty on the last. Pages show each
	// upload once, whatever is uploaded or changes meanwhile.
	Next string `json:"next,omitempty"`
}

// SimilarUpload is an upload and how similar its voice is.
type SimilarUpload struct {
	ListedUpload
	// Similarity is the cosine of the embeddings, -1 to 1.
	Similarity float64 `json:"similarity"`
}

// SimilarUploads are the uploads with the nearest voices, the nearest first.
type SimilarUploads struct {
	Uploads []SimilarUpload `json:"uploads"`
}

// Song is a song of the tenant, or of the shipped collection.
type Song struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Artist string `json:"artist,omitempty"`
	// Low and High bound the melody, in scientific pitch notation; empty while they
	// are not known.
	Low  string `json:"low,omitempty"`
	High string `json:"high,omitempty"`
	// Key is such as "F# minor"; empty if it is not known.
	Key string `json:"key,omitempty"`
	// TempoBPM is in beats per minute; 0 if it is not known.
	TempoBPM float64 `json:"tempo_bpm,omitempty"`
	// Reference is the upload from whose analysis range, key and tempo are taken.
	Reference orak.UploadID `json:"reference,omitempty"`
	// Waiting says that the reference has no analysis yet.
	Waiting bool `json:"waiting,omitempty"`
	// Shipped says that the song is of the shipped collection, which cannot be
	// removed.
	Shipped bool `json:"shipped,omitempty"`
}

// SongPage is one page of songs, in the order of their ids.
type SongPage struct {
	Songs []Song `json:"songs"`
	// Next is the page_token of the next page; empty on the last.
	Next string `json:"next,omitempty"`
}

// ImportedSongs is the answer to an import.
type ImportedSongs struct {
	// Imported is how many songs the file had. All of them are stored.
	Imported int `json:"imported"`
}

// FittingSong is a song that a voice can sing.
type FittingSong struct {
	Song
	// Transposition is in semitones, -6 to 6; negative is down.
	Transposition int `json:"transposition"`
	// Octaves is by how many octaves it is sung lower (negative) or higher than it is
	// written, beside the transposition; -2 to 2.
	Octaves int `json:"octaves"`
	// Score is 0 to 1.
	Score float64 `json:"score"`
	// Reason says in words how the song fits.
	Reason string `json:"reason"`
}

// FittingSongs are the songs for a voice, the best first.
type FittingSongs struct {
	ID    orak.UploadID `json:"id"`
	Songs []FittingSong `json:"songs"`
	// Refusal says in words for the singer why there are no songs; empty if there are.
	Refusal string `json:"refusal,omitempty"`
	// Unusable is why the recording shows no voice: silent, too_brief, too_narrow or
	// whistled; empty if it does. More may be added.
	Unusable string `json:"unusable,omitempty"`
	// Nearest is the song that misses by the least where none fits.
	Nearest *MissedSong `json:"nearest,omitempty"`
	// Ranked is how many songs were compared, and Waiting how many more wait for the
	// analysis of their reference.
	Ranked  int `json:"ranked"`
	Waiting int `json:"waiting"`
}

// MissedSong is a song that exceeds the range of a voice.
type MissedSong struct {
	Song
	// Transposition and Octaves are those at which it misses by the least.
	Transposition int `json:"transposition"`
	Octaves       int `json:"octaves"`
	// Semitones is by how much it exceeds the range, both ends together.
	Semitones int `json:"semitones"`
}

// ImportLine is a bad line of an import.
type ImportLine struct {
	// Line counts from 1.
	Line    int    `json:"line"`
	Message string `json:"message"`
}
