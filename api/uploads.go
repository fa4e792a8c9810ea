package api

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/api/resource"
	"orak/sinks/index"
	"orak/songs"
)

// The query parameters of lists and searches in the index, beside those of uploads and
// of dead letters.
const (
	paramStatus      = "status"
	paramFrom        = "from"
	paramTo          = "to"
	paramKey         = "key"
	paramTempoMin    = "tempo_min"
	paramTempoMax    = "tempo_max"
	paramDurationMin = "duration_min"
	paramDurationMax = "duration_max"
	paramLow         = "low"
	paramHigh        = "high"
	paramLimit       = "limit"
)

// defaultFound is how many songs or neighbors are found without a limit.
const defaultFound = 10

// getUploads lists uploads of the tenant. The index follows the status of uploads by
// moments.
func (s *Server) getUploads(c *fiber.Ctx) error {
	q, err := queryOf(c)
	if err != nil {
		return err
	}
	found, err := s.indexed()
	if err != nil {
		return err
	}
	page, err := found.List(c.UserContext(), q)
	if err != nil {
		return indexRefusal(err)
	}
	answer := resource.UploadPage{Uploads: make([]resource.ListedUpload, len(page.Uploads)), Next: page.Next}
	for i, u := range page.Uploads {
		answer.Uploads[i] = listedUpload(u)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(answer)
}

// getSimilar answers with the nearest voices.
func (s *Server) getSimilar(c *fiber.Ctx) error {
	limit, err := limitOf(c, index.MaxNeighbors)
	if err != nil {
		return err
	}
	u, err := s.analyzed(c)
	if err != nil {
		return err
	}
	caller := exchangeOf(c).caller
	neighbors, err := s.index.Similar(c.UserContext(), index.Search{Tenant: u.Tenant, ID: u.ID, K: limit})
	if err != nil {
		return indexRefusal(err)
	}
	answer := resource.SimilarUploads{Uploads: make([]resource.SimilarUpload, 0, len(neighbors))}
	for _, n := range neighbors {
		if caller.MayKnow(n.Upload.Owner) {
			answer.Uploads = append(answer.Uploads, resource.SimilarUpload{ListedUpload: listedUpload(n.Upload), Similarity: math.Round(n.Similarity*1e4) / 1e4})
		}
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(answer)
}

// indexed returns the index, or a refusal if there is none.
func (s *Server) indexed() (Index, error) {
	if s.index == nil {
		return nil, refuse(codeUnavailable, "This server has no index: lists, searches and songs are not available. Uploads are.")
	}
	return s.index, nil
}

// indexRefusal returns the HTTP form of an error of the index.
func indexRefusal(err error) error {
	switch {
	case errors.Is(err, index.ErrInvalidQuery):
		return refuse(codeInvalidRequest, sentence(strings.TrimPrefix(err.Error(), index.ErrInvalidQuery.Error()+": "))).because(err)
	case errors.Is(err, index.ErrNoVector):
		return refuse(codeNoVoice, "Nothing was sung in this recording, so no voice is similar.").because(err)
	case errors.Is(err, index.ErrErased):
		return refuse(codeErased, "The upload was erased.").because(err)
	}
	return refuse(codeUnavailable, "The index is not available at the moment. Uploads are accepted.").because(err)
}

// analyzed returns the row of the upload that a request names, with its voice. An
// upload whose row or voice is missing is looked up where its status is certain, to
// tell those that never have one from those that have not got it yet.
func (s *Server) analyzed(c *fiber.Ctx) (index.Upload, error) {
	t, err := tenantOf(c)
	if err != nil {
		return index.Upload{}, err
	}
	id, err := idOf(c)
	if err != nil {
		return index.Upload{}, err
	}
	found, err := s.indexed()
	if err != nil {
		return index.Upload{}, err
	}
	ctx := c.UserContext()
	// The index learns of an erasure from its event; the tombstone is there before.
	if stone, erased, err := s.tombstone(ctx, t, id); err != nil || erased {
		if err == nil {
			err = erasedRefusal(stone)
		}
		return index.Upload{}, err
	}
	u, err := found.Get(ctx, t, id)
	switch {
	case err == nil && !exchangeOf(c).caller.MayKnow(u.Owner):
		return index.Upload{}, errUnknown
	case err == nil && u.Voice != nil:
		return u, nil
	case err == nil, errors.Is(err, index.ErrNotFound):
		return index.Upload{}, s.notAnalyzed(c)
	}
	return index.Upload{}, indexRefusal(err)
}

// notAnalyzed returns why the index has no voice of an upload.
func (s *Server) notAnalyzed(c *fiber.Ctx) error {
	st, err := s.lookupFor(c)
	if err != nil {
		return err
	}
	if st.Status.Final() && st.Status != orak.StatusCompleted {
		return refuse(codeNoAnalysis, "The upload is "+string(st.Status)+".")
	}
	r := refuse(codeNotIndexed, "The upload is "+string(st.Status)+"; the index has its analysis moments after it is completed.")
	if r.again = retryAfter; st.Status == orak.StatusCompleted {
		r.again = indexedAfter
	}
	return r
}

func listedUpload(u index.Upload) resource.ListedUpload {
	st := state{Progress: orak.Progress{Upload: u.Upload, Status: u.Status, Stage: u.Stage, Failure: u.Failure, UpdatedAt: u.UpdatedAt}}
	listed := resource.ListedUpload{Upload: st.resource()}
	if v := u.Voice; v != nil {
		listed.Voice = &resource.Voice{
			DurationS: v.DurationS, Key: v.Key, TempoBPM: v.TempoBPM,
			LowHz: v.LowHz, HighHz: v.HighHz, LowNote: orak.NoteName(v.LowHz), HighNote: orak.NoteName(v.HighHz),
			TessituraLowHz: v.TessituraLowHz, TessituraHighHz: v.TessituraHighHz, MedianHz: v.MedianHz, VoicedRatio: v.VoicedRatio,
		}
	}
	return listed
}

// queryOf reads the filters of a list.
func queryOf(c *fiber.Ctx) (q index.Query, err error) {
	known := []string{
		paramStatus, paramOwner, paramKind, paramFrom, paramTo, paramKey, paramTempoMin, paramTempoMax, paramDurationMin, paramDurationMax,
		paramLow, paramHigh, paramText, paramPageSize, paramPageToken,
	}
	if err := checkParameters(c, known, paramStatus); err != nil {
		return q, err
	}
	if q.Tenant, err = tenantOf(c); err != nil {
		return q, err
	}
	if q.Statuses, err = chosen(c, paramStatus, index.Statuses()); err != nil {
		return q, err
	}
	if q.Kind, err = kindOf(c); err != nil {
		return q, err
	}
	if q.Limit, err = sizeOf(c); err != nil {
		return q, err
	}
	if q.Owner, err = boundOwner(exchangeOf(c).caller, c.Query(paramOwner)); err != nil {
		return q, err
	}
	q.Text, q.Cursor = c.Query(paramText), c.Query(paramPageToken)
	q.Tonic, q.Mode = keyOf(c.Query(paramKey))
	now := time.Now()
	q.From, err = whenOf(c, paramFrom, now)
	for _, read := range []func() error{
		func() (err error) { q.To, err = whenOf(c, paramTo, now); return err },
		func() error { return numberOf(c, paramTempoMin, &q.Tempo.Min) },
		func() error { return numberOf(c, paramTempoMax, &q.Tempo.Max) },
		func() error { return numberOf(c, paramDurationMin, &q.Duration.Min) },
		func() error { return numberOf(c, paramDurationMax, &q.Duration.Max) },
		func() error { return noteOf(c, paramLow, 0.5, &q.Sings.Min) },
		func() error { return noteOf(c, paramHigh, -0.5, &q.Sings.Max) },
	} {
		if err == nil {
			err = read()
		}
	}
	if err == nil && q.Validate() != nil {
		err = indexRefusal(q.Validate())
	}
	return q, err
}

// keyOf returns what a text such as "F# minor", "F#" or "minor" selects. What it is not
// is refused by index.Query.Validate.
func keyOf(given string) (tonic, mode string) {
	tonic, mode, _ = strings.Cut(given, " ")
	if tonic == "major" || tonic == "minor" {
		return "", tonic
	}
	return tonic, mode
}

func kindOf(c *fiber.Ctx) (*orak.Kind, error) {
	given := c.Query(paramKind)
	if given == "" {
		return nil, nil
	}
	kind, err := orak.ParseKind(given)
	if err != nil {
		return nil, refuse(codeInvalidRequest, "kind must be voice or song.")
	}
	return &kind, nil
}

func numberOf(c *fiber.Ctx, name string, into *float64) (err error) {
	given := c.Query(name)
	if given == "" {
		return nil
	}
	if *into, err = strconv.ParseFloat(given, 64); err != nil || !(*into >= 0) || math.IsInf(*into, 0) {
		return refuse(codeInvalidRequest, name+" must be a number of 0 or more.")
	}
	return nil
}

// noteOf reads a note and returns its frequency in Hz, moved by a part of a semitone:
// ranges are matched as notes, and those of voices are not exact.
func noteOf(c *fiber.Ctx, name string, move float64, into *float64) error {
	given := c.Query(name)
	if given == "" {
		return nil
	}
	note, err := songs.ParseNote(given)
	if err != nil {
		return refuse(codeInvalidRequest, name+" must be a note such as C4, F#3 or Bb3.")
	}
	*into = 440 * math.Exp2((float64(note)+move-69)/12)
	return nil
}

// sizeOf reads page_size.
func sizeOf(c *fiber.Ctx) (int, error) {
	given := c.Query(paramPageSize)
	if given == "" {
		return defaultPage, nil
	}
	size, err := strconv.Atoi(given)
	if err != nil || size < 1 || size > maxPage {
		return 0, refuse(codeInvalidRequest, "page_size must be 1 to "+strconv.Itoa(maxPage)+".")
	}
	return size, nil
}

// limitOf reads the only parameter of a search.
func limitOf(c *fiber.Ctx, most int) (int, error) {
	if err := checkParameters(c, []string{paramLimit}); err != nil {
		return 0, err
	}
	given := c.Query(paramLimit)
	if given == "" {
		return defaultFound, nil
	}
	limit, err := strconv.Atoi(given)
	if err != nil || limit < 1 || limit > most {
		return 0, refuse(codeInvalidRequest, fmt.Sprintf("limit must be 1 to %d.", most))
	}
	return limit, nil
}
