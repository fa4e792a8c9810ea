package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"time"

	"orak"
)

const (
	// maxRecord bounds what is read of a JSON object, in bytes.
	maxRecord = 1 << 20
	// identityTimeout bounds the call of Identity.
	identityTimeout = 10 * time.Second
	// sameDuration is how much the duration of a finished analysis, which is
	// rounded, may differ from that of a conversion, in seconds.
	sameDuration = 0.001
)

// reuse looks for a finished analysis of the same bytes by the same engine, within
// the tenant. It copies the curve and returns the summary. found is false where
// any part is missing or does not match; then the caller computes the analysis.
func (a *Activities) reuse(ctx context.Context, engine Analyzer, in AnalyzeInput) (analysis orak.Analysis, found bool, err error) {
	u := in.Upload
	if u.Validate() != nil {
		return orak.Analysis{}, false, nil // it may have no digest
	}
	asking, cancel := context.WithTimeout(ctx, identityTimeout)
	defer cancel()
	who, err := engine.Identity(asking)
	if err != nil {
		// Not a failure: the analysis shows whether the engine is available.
		a.log.DebugContext(ctx, "engine did not report its identity", "upload_id", u.ID, "error", err)
		return orak.Analysis{}, false, ctx.Err()
	}
	if !who.Known() {
		return orak.Analysis{}, false, nil
	}
	var done orak.Finished
	if ok, err := a.readJSON(ctx, orak.FinishedKey(u.Tenant, u.SHA256, who), &done); err != nil || !ok {
		return orak.Analysis{}, false, err
	}
	if _, err := orak.ParseUploadID(string(done.UploadID)); err != nil {
		return orak.Analysis{}, false, nil
	}
	ok, err := a.readJSON(ctx, orak.AnalysisKey(u.Tenant, done.UploadID), &analysis)
	if err != nil || !ok || !reusable(analysis, who, in.Audio) {
		return orak.Analysis{}, false, err
	}
	if ok, err := a.copyCurve(ctx, u, done); err != nil || !ok {
		return orak.Analysis{}, false, err
	}
	a.metrics.reused.Inc()
	a.log.InfoContext(ctx, "reused an analysis of the same recording", "upload_id", u.ID, "of_upload_id", done.UploadID, "engine", who.Name, "version", who.Version)
	return analysis.Of(in.Audio).Final(), true, nil
}

// reusable is false where that upload has been analyzed again since, where the same
// bytes were converted differently, and where a later version wrote the analysis:
// fields that this version does not know would be lost.
func reusable(done orak.Analysis, who orak.Engine, audio orak.Audio) bool {
	return done.Engine == who && done.SchemaVersion <= orak.AnalysisSchema &&
		math.Abs(done.Audio.DurationS-audio.DurationS) <= sameDuration
}

// copyCurve stores the curve of a finished analysis as that of u. It returns false
// if the curve does not belong to that analysis.
func (a *Activities) copyCurve(ctx context.Context, u orak.Upload, done orak.Finished) (bool, error) {
	body, size, err := a.deps.Store.Open(ctx, orak.PitchKey(u.Tenant, done.UploadID))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("opening a finished curve: %w", err)
	}
	defer body.Close()
	digest := sha256.New()
	copied := io.TeeReader(body, digest)
	if done.UploadID == u.ID {
		_, err = io.Copy(io.Discard, copied)
	} else {
		err = a.deps.Store.Put(ctx, orak.PitchKey(u.Tenant, u.ID), copied, size, "application/json")
	}
	if err != nil {
		return false, fmt.Errorf("copying a finished curve: %w", err)
	}
	return hex.EncodeToString(digest.Sum(nil)) == done.PitchSHA256, nil
}

// point stores a pointer to a finished analysis for uploads of the same bytes. It
// must follow the outcome, by which an erasure finds the pointer.
func (a *Activities) point(ctx context.Context, u orak.Upload, who orak.Engine) error {
	if !who.Known() || u.Validate() != nil {
		return nil
	}
	body, _, err := a.deps.Store.Open(ctx, orak.PitchKey(u.Tenant, u.ID))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening the curve: %w", err)
	}
	defer body.Close()
	digest := sha256.New()
	if _, err := io.Copy(digest, body); err != nil {
		return fmt.Errorf("reading the curve: %w", err)
	}
	return a.putJSON(ctx, orak.FinishedKey(u.Tenant, u.SHA256, who), orak.Finished{UploadID: u.ID, PitchSHA256: hex.EncodeToString(digest.Sum(nil))})
}

// unpoint removes the pointers to the analyses of an upload, and returns how many
// they were. It must precede the removal of the outcome, by which they are found.
func (a *Activities) unpoint(ctx context.Context, in Erasing) (int, error) {
	var p orak.Progress
	ok, err := a.readJSON(ctx, orak.OutcomeKey(in.Tenant, in.ID), &p)
	if err != nil || !ok || p.Upload.Validate() != nil || p.Upload.Tenant != in.Tenant {
		return 0, err
	}
	removed := 0
	for key, err := range a.deps.Store.Keys(ctx, orak.FinishedPrefix(in.Tenant, p.Upload.SHA256)) {
		if err != nil {
			return removed, fmt.Errorf("listing finished analyses: %w", err)
		}
		var done orak.Finished
		if ok, err := a.readJSON(ctx, key, &done); err != nil {
			return removed, err
		} else if !ok || done.UploadID != in.ID {
			continue
		}
		if err := a.deps.Store.Delete(ctx, key); err != nil {
			return removed, fmt.Errorf("removing object: %w", err)
		}
		removed++
	}
	return removed, nil
}

// readJSON reads an object; ok is false where it is absent or damaged.
func (a *Activities) readJSON(ctx context.Context, key string, into any) (ok bool, err error) {
	body, _, err := a.deps.Store.Open(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("opening %s: %w", key, err)
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxRecord))
	if err != nil {
		return false, fmt.Errorf("reading %s: %w", key, err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		a.log.WarnContext(ctx, "ignored a damaged object", "key", key, "error", err)
		return false, nil
	}
	return true, nil
}
