package api

import (
	"context"
	"errors"

	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/api/resource"
	"orak/songs"
)

const (
	// maxFits is the most songs that are answered for a voice.
	maxFits = 100
	// songsAtOnce is how many songs are read from the index at once.
	songsAtOnce = 1000
)

// getSongsFor answers with the songs that a voice can sing. A recording that shows no
// voice is answered with 200, too, and a refusal in words for its singer.
func (s *Server) getSongsFor(c *fiber.Ctx) error {
	limit, err := limitOf(c, maxFits)
	if err != nil {
		return err
	}
	u, err := s.analyzed(c)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	answer := resource.FittingSongs{ID: u.ID, Songs: []resource.FittingSong{}}
	voice, err := songs.VoiceOf(pitchOf(u.Voice), u.Voice.DurationS)
	var unusable *songs.VoiceError
	switch {
	case errors.As(err, &unusable):
		answer.Refusal, answer.Unusable = unusable.Error(), string(unusable.Problem)
		return c.JSON(answer)
	case err != nil:
		return err
	}
	voice.TempoBPM, voice.Embedding = u.Voice.TempoBPM, u.Voice.Embedding
	if err := s.rank(c.UserContext(), u.Tenant, voice, limit, &answer); err != nil {
		return err
	}
	return c.JSON(answer)
}

// rank adds the songs that fit to an answer. As many rankings run at once as there are
// processors: each may take one for a second.
func (s *Server) rank(ctx context.Context, t orak.Tenant, v songs.Voice, limit int, answer *resource.FittingSongs) error {
	select {
	case s.rankings <- struct{}{}:
		defer func() { <-s.rankings }()
	case <-ctx.Done():
		return refuse(codeUnavailable, "Too many rankings are running.").because(context.Cause(ctx))
	}
	all, err := s.songsOf(ctx, t)
	if err != nil {
		return indexRefusal(err)
	}
	for _, song := range all {
		if song.LowNote == 0 {
			answer.Waiting++
		}
	}
	answer.Ranked = len(all) - answer.Waiting
	r := songs.Rank(v, all, limit)
	for _, f := range r.Fits {
		answer.Songs = append(answer.Songs, resource.FittingSong{
			Song: songResource(f.Song), Transposition: f.Transposition, Octaves: f.Octaves, Score: f.Score, Reason: f.Reason,
		})
	}
	answer.Refusal = r.Refusal()
	if m := r.Nearest; m != nil {
		answer.Nearest = &resource.MissedSong{Song: songResource(m.Song), Transposition: m.Transposition, Octaves: m.Octaves, Semitones: m.Semitones}
	}
	return nil
}

// songsOf returns the shipped songs, and those of a tenant with their references.
func (s *Server) songsOf(ctx context.Context, t orak.Tenant) ([]songs.Song, error) {
	all := songs.Collection()
	most := len(all) + s.cfg.MaxRankedSongs
	for after := songs.ID(""); len(all) < most; {
		page, err := s.index.Songs(ctx, t, after, min(songsAtOnce, most-len(all)))
		if err != nil || len(page) == 0 {
			return all, err
		}
		after = page[len(page)-1].ID
		if page, err = withReferences(ctx, s.index, t, page); err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	s.metrics.unranked.Inc()
	return all, nil
}
