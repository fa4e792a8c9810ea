package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"orak"
	"orak/api/resource"
)

// UploadQuery selects uploads; its zero value selects all of the tenant.
type UploadQuery struct {
	// Statuses selects the uploads of any of them; empty means every.
	Statuses []orak.Status
	Owner    string
	// Kind is "voice" or "song"; empty means both.
	Kind string
	// From and To bound the time of receipt: from From, until before To.
	From, To time.Time
	// Key is such as "F# minor", "F#" or "minor".
	Key string
	// Tempo bounds are in beats per minute, those of Duration in seconds; 0 leaves an
	// end open.
	TempoMin, TempoMax, DurationMin, DurationMax float64
	// Low and High select voices that reach both notes, such as "C3" and "G4".
	Low, High string
	// Text selects uploads with it in their file name, whatever the case.
	Text string
	// Page is the maximum number on a page; 0 means the server's maximum.
	Page int
}

func (q UploadQuery) query() url.Values {
	values := url.Values{}
	for _, s := range q.Statuses {
		values.Add("status", string(s))
	}
	for name, text := range map[string]string{"owner": q.Owner, "kind": q.Kind, "key": q.Key, "low": q.Low, "high": q.High, "text": q.Text} {
		if text != "" {
			values.Set(name, text)
		}
	}
	for name, at := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !at.IsZero() {
			values.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	for name, n := range map[string]float64{"tempo_min": q.TempoMin, "tempo_max": q.TempoMax, "duration_min": q.DurationMin, "duration_max": q.DurationMax} {
		if n != 0 {
			values.Set(name, strconv.FormatFloat(n, 'g', -1, 64))
		}
	}
	return values
}

// Uploads returns one page of the selected uploads, the latest received first. token is
// the Next of the page before; empty means the first page.
func (c *Client) Uploads(ctx context.Context, q UploadQuery, token string) (resource.UploadPage, error) {
	return call[resource.UploadPage](ctx, c, http.MethodGet, "/v1/uploads?"+paged(q.query(), q.Page, token).Encode(), nil)
}

func paged(values url.Values, size int, token string) url.Values {
	if size <= 0 || size > maxPage {
		size = maxPage
	}
	values.Set("page_size", strconv.Itoa(size))
	if token != "" {
		values.Set("page_token", token)
	}
	return values
}

// Similar returns the uploads with the nearest voices, at most limit, 1 to 100. See
// SongsFor for patience.
func (c *Client) Similar(ctx context.Context, id orak.UploadID, limit int, patience time.Duration) (resource.SimilarUploads, error) {
	return indexed[resource.SimilarUploads](ctx, c, uploadPath(id)+"/similar?limit="+strconv.Itoa(limit), patience)
}

// SongsFor returns the songs that fit the voice of an upload, at most limit, 1 to 100.
// An upload that has just been completed is in the index moments later: for up to
// patience it is asked for again, as often as the server says. After that, the error is an
// *Error of type resource.ProblemNotIndexed.
func (c *Client) SongsFor(ctx context.Context, id orak.UploadID, limit int, patience time.Duration) (resource.FittingSongs, error) {
	return indexed[resource.FittingSongs](ctx, c, uploadPath(id)+"/songs?limit="+strconv.Itoa(limit), patience)
}

func indexed[T any](ctx context.Context, c *Client, path string, patience time.Duration) (T, error) {
	for {
		answer, err := call[T](ctx, c, http.MethodGet, path, nil)
		var refusal *Error
		if !errors.As(err, &refusal) || refusal.Problem.Type != resource.ProblemNotIndexed || refusal.RetryAfter <= 0 || refusal.RetryAfter > patience {
			return answer, err
		}
		if err := c.pause(ctx, refusal.RetryAfter); err != nil {
			return answer, err
		}
		patience -= refusal.RetryAfter
	}
}

const songsPath = "/v1/songs"

// Songs returns one page of the songs of the tenant and the shipped ones, by id. token
// is the Next of the page before; empty means the first page.
func (c *Client) Songs(ctx context.Context, size int, token string) (resource.SongPage, error) {
	return call[resource.SongPage](ctx, c, http.MethodGet, songsPath+"?"+paged(url.Values{}, size, token).Encode(), nil)
}

// RemoveSong removes a song of the tenant; for an unknown one the error is an *Error of
// status 404.
func (c *Client) RemoveSong(ctx context.Context, id string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, songsPath+"/"+url.PathEscape(id), nil)
	return err
}

// SongFile is a file of songs to import.
type SongFile struct {
	// Path is a regular file.
	Path string
	// MediaType is text/csv or application/jsonl.
	MediaType string
	// Progress, if set, gets the number of bytes sent. It is called from another
	// goroutine than ImportSongs'.
	Progress func(sent, total int64)
}

// ImportSongs imports all songs of a file, or none: then the error is an *Error, whose
// problem lists the bad lines. The same file may be imported again.
func (c *Client) ImportSongs(ctx context.Context, f SongFile) (resource.ImportedSongs, error) {
	file, size, err := open(f.Path)
	if err != nil {
		return resource.ImportedSongs{}, err
	}
	defer file.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(stallTimeout, func() { cancel(errStalled) })
	defer stalled.Stop()
	body := &meter{r: file, sum: sha256.New(), moved: func(sent int64) {
		stalled.Reset(stallTimeout)
		if f.Progress != nil {
			f.Progress(sent, size)
		}
	}}
	req, err := c.request(ctx, http.MethodPost, songsPath, body)
	if err != nil {
		return resource.ImportedSongs{}, err
	}
	if req.ContentLength = size; size == 0 {
		req.Body = http.NoBody
	}
	req.Header.Set("Content-Type", f.MediaType)
	resp, err := c.do(req)
	if err != nil {
		return resource.ImportedSongs{}, err
	}
	defer resp.Body.Close()
	imported, err := decode[resource.ImportedSongs](ctx, c, resp)
	if err != nil {
		return imported, fmt.Errorf("importing songs: %w", err)
	}
	return imported, nil
}
