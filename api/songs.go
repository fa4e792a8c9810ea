package api

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/api/resource"
	"orak/sinks/index"
	"orak/songs"
)

// formats are the formats of an import by media type.
var formats = map[string]songs.Format{
	"text/csv": songs.FormatCSV, "application/jsonl": songs.FormatJSONLines, "application/x-ndjson": songs.FormatJSONLines,
}

// importTime bounds the arrival of an import, so that a slow sender does not keep
// others from importing.
const importTime = 10 * time.Minute

// getSongs lists the songs of the tenant and those that are shipped, by id.
func (s *Server) getSongs(c *fiber.Ctx) error {
	if err := checkParameters(c, []string{paramPageSize, paramPageToken}); err != nil {
		return err
	}
	t, err := tenantOf(c)
	if err != nil {
		return err
	}
	size, err := sizeOf(c)
	if err != nil {
		return err
	}
	after := songs.ID(c.Query(paramPageToken))
	if after != "" {
		if after, err = songs.ParseID(string(after)); err != nil {
			return refuse(codeInvalidRequest, "page_token must be the token of an earlier page.").because(err)
		}
	}
	found, err := s.indexed()
	if err != nil {
		return err
	}
	own, err := found.Songs(c.UserContext(), t, after, size+1)
	if err != nil {
		return indexRefusal(err)
	}
	page, next := songPage(own, after, size)
	if page, err = withReferences(c.UserContext(), found, t, page); err != nil {
		return indexRefusal(err)
	}
	answer := resource.SongPage{Songs: make([]resource.Song, len(page)), Next: string(next)}
	for i, song := range page {
		answer.Songs[i] = songResource(song)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(answer)
}

// songPage merges songs of a tenant, from after on, with the shipped ones.
func songPage(own []songs.Song, after songs.ID, size int) (page []songs.Song, next songs.ID) {
	page = own
	for _, shipped := range songs.Collection() {
		if shipped.ID > after {
			page = append(page, shipped)
		}
	}
	slices.SortFunc(page, func(a, b songs.Song) int { return strings.Compare(string(a.ID), string(b.ID)) })
	if len(page) > size {
		return page[:size], page[size-1].ID
	}
	return page, ""
}

// withReferences returns songs with what the analyses of their references say.
func withReferences(ctx context.Context, from Index, t orak.Tenant, list []songs.Song) ([]songs.Song, error) {
	var ids []orak.UploadID
	for _, song := range list {
		if song.ReferenceUpload != "" {
			ids = append(ids, song.ReferenceUpload)
		}
	}
	voices := map[orak.UploadID]*index.Voice{}
	for chunk := range slices.Chunk(ids, index.MaxSome) {
		references, err := from.Some(ctx, t, chunk)
		if err != nil {
			return nil, err
		}
		for _, u := range references {
			voices[u.ID] = u.Voice
		}
	}
	for i, song := range list {
		if v := voices[song.ReferenceUpload]; v != nil {
			list[i] = song.Referring(pitchOf(v), v.Key, v.TempoBPM, v.Embedding)
		}
	}
	return list, nil
}

// pitchOf returns what the index has of a pitch.
func pitchOf(v *index.Voice) orak.Pitch {
	return orak.Pitch{
		MedianHz: v.MedianHz, MinHz: v.LowHz, MaxHz: v.HighHz,
		TessituraLowHz: v.TessituraLowHz, TessituraHighHz: v.TessituraHighHz, VoicedRatio: v.VoicedRatio,
	}
}

func songResource(s songs.Song) resource.Song {
	r := resource.Song{
		ID: string(s.ID), Title: s.Title, Artist: s.Artist, TempoBPM: s.TempoBPM, Reference: s.ReferenceUpload,
		Key:     strings.TrimSpace(s.Key.Tonic + " " + s.Key.Mode),
		Waiting: s.LowNote == 0, Shipped: s.Tenant == "",
	}
	if s.LowNote != 0 {
		r.Low, r.High = songs.NoteName(s.LowNote), songs.NoteName(s.HighNote)
	}
	return r
}

// postSongs imports a file of songs: all of them or none.
func (s *Server) postSongs(c *fiber.Ctx) error {
	imported, err := s.importSongs(c)
	if bodyOf(c).awaited() {
		return err
	}
	if err != nil {
		s.metrics.imports.WithLabelValues(string(asRefusal(err).code)).Inc()
		return err
	}
	s.metrics.imports.WithLabelValues("imported").Inc()
	x := exchangeOf(c)
	x.log.InfoContext(c.UserContext(), "imported songs", "tenant", x.tenant, "songs", imported)
	return c.JSON(resource.ImportedSongs{Imported: imported})
}

func (s *Server) importSongs(c *fiber.Ctx) (imported int, err error) {
	t, err := tenantOf(c)
	if err != nil {
		return 0, err
	}
	found, err := s.indexed()
	if err != nil {
		return 0, err
	}
	format, err := formatOf(c)
	if err != nil {
		return 0, err
	}
	select {
	case s.imports <- struct{}{}:
		defer func() { <-s.imports }()
	default:
		return 0, refuse(codeTooManyImports, "Other imports are running. Nothing was imported; try again later.")
	}
	b := bodyOf(c)
	b.limit = songs.MaxImport
	late := time.AfterFunc(importTime, b.evict)
	defer late.Stop()
	list, err := songs.Import(b, format, t)
	if err != nil {
		return 0, importRefusal(err)
	}
	if err := s.record(c, actImportSongs, t, "", fmt.Sprintf("songs: %d", len(list))); err != nil {
		return 0, err
	}
	if err := found.PutSongs(c.UserContext(), t, list); err != nil {
		return 0, indexRefusal(err)
	}
	return len(list), nil
}

func formatOf(c *fiber.Ctx) (songs.Format, error) {
	if enc := c.Get(fiber.HeaderContentEncoding); enc != "" && enc != "identity" {
		return "", refuse(codeUnsupportedEncoding, "Send the file without Content-Encoding.")
	}
	kind, _, _ := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	format, known := formats[kind]
	if !known {
		r := refuse(codeUnsupportedMedia, "Send the songs as CSV or as JSON Lines, with the Content-Type of that.")
		r.accepted = []string{"text/csv", "application/jsonl", "application/x-ndjson"}
		return "", r
	}
	return format, nil
}

// importRefusal returns the HTTP form of an error of songs.Import.
func importRefusal(err error) error {
	var bad *songs.ImportError
	switch {
	case errors.As(err, &bad):
		r := refuse(codeInvalidImport, "Nothing was imported: "+bad.Error()+".")
		r.moreLines = bad.More
		for _, line := range bad.Lines {
			r.lines = append(r.lines, resource.ImportLine(line))
		}
		return r
	case errors.Is(err, songs.ErrImportTooLarge), errors.Is(err, errTooLarge):
		return refuse(codeTooLarge, fmt.Sprintf("A file of songs may have at most %d MiB and %d songs. Nothing was imported; send it in parts.", songs.MaxImport>>20, songs.MaxImportSongs))
	case errors.Is(err, errStalled), errors.Is(err, errSlow):
		return refuse(codeTimeout, "The file did not arrive in time. Nothing was imported.")
	}
	return refuse(codeIncompleteBody, "The connection ended before the file did. Nothing was imported.").because(err)
}

// deleteSong removes a song of the tenant.
func (s *Server) deleteSong(c *fiber.Ctx) error {
	t, err := tenantOf(c)
	if err != nil {
		return err
	}
	found, err := s.indexed()
	if err != nil {
		return err
	}
	id, err := songs.ParseID(c.Params("id"))
	if err != nil {
		return refuse(codeNotFound, "There is no such song.")
	}
	if strings.HasPrefix(string(id), songs.CollectionPrefix) {
		return refuse(codeInvalidRequest, "A song of the shipped collection cannot be removed.")
	}
	if err := s.record(c, actRemoveSong, t, string(id), ""); err != nil {
		return err
	}
	switch err := found.RemoveSong(c.UserContext(), t, id); {
	case errors.Is(err, index.ErrNotFound):
		return refuse(codeNotFound, "There is no such song.")
	case err != nil:
		return indexRefusal(err)
	}
	return c.SendStatus(fiber.StatusNoContent)
}
