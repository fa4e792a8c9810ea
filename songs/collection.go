package songs

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

// CollectionPrefix begins the ids of the shipped collection, and of no other song.
const CollectionPrefix = "orak."

//go:embed collection/*.abc
var collectionFiles embed.FS

var collection = sync.OnceValue(func() []Song {
	entries, err := collectionFiles.ReadDir("collection")
	if err != nil {
		panic(fmt.Sprintf("songs: reading the collection: %v", err))
	}
	all := make([]Song, len(entries))
	for i, entry := range entries {
		text, err := collectionFiles.ReadFile("collection/" + entry.Name())
		if err != nil {
			panic(fmt.Sprintf("songs: reading the collection: %v", err))
		}
		tune, err := ParseABC(text)
		if err != nil {
			panic(fmt.Sprintf("songs: %s: %v", entry.Name(), err)) // a test parses every file
		}
		all[i] = tune.Song(ID(CollectionPrefix + strings.TrimSuffix(path.Base(entry.Name()), ".abc")))
	}
	return all
})

// Collection returns the shipped songs, ordered by id: folk songs and hymns that are
// in the public domain. Their range, tessitura and key are computed from their notes.
func Collection() []Song { return slices.Clone(collection()) }

// Song returns the tune as a song of the shipped collection. Its title has further
// titles, such as that in the language of its origin, in brackets.
func (t Tune) Song(id ID) Song {
	s := Song{ID: id, Title: t.Titles[0], Artist: t.Composer, Key: t.Key, TempoBPM: t.TempoBPM}
	if len(t.Titles) > 1 {
		s.Title += " [" + strings.Join(t.Titles[1:], ", ") + "]"
	}
	s.LowNote, s.HighNote = t.Melody.Range()
	s.TessituraLow, s.TessituraHigh = t.Melody.Tessitura()
	return s
}
