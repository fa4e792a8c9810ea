// Package songs is the domain of songs: melodies and their ranges, the voices that
// sing them, the ranking of songs for a voice, the formats in which songs are
// imported, and the collection that orak ships.
//
// It computes, and reads only what it is given: it knows no store and no server.
// Notes are MIDI semitones: C4, middle C, is 60, and A4 = 440 Hz is 69.
package songs
