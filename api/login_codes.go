package api

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/api/resource"
	"orak/internal/auth"
	"orak/internal/objectstore"
)

// keptCode is what the store keeps for a login code, at orak.LoginCodeKey.
type keptCode struct {
	ExpiresAt time.Time `json:"expires_at"`
	// Sealed is the cookie of the session that the code begins, which only the code opens;
	// empty once the code was used.
	Sealed []byte `json:"sealed,omitempty"`
}

// codeSweepInterval is how often login codes that nobody can use any more are removed.
const codeSweepInterval = 10 * time.Minute

// postLoginCodes makes a login code for the caller's API key. Only this request has the
// key's secret, so the session is made now, and kept until the code is used.
func (s *Server) postLoginCodes(c *fiber.Ctx) error {
	if s.logins == nil {
		return refuse(codeNotFound, "Nobody logs in to this server.")
	}
	if err := s.attempts.take(exchangeOf(c).caller.ID); err != nil {
		return err
	}
	code, until, err := s.makeLoginCode(c.UserContext(), exchangeOf(c).caller, time.Now())
	if errors.Is(err, auth.ErrNoTokens) {
		return refuse(codeMissingScope, "Only an API key makes login codes.").because(err)
	}
	if err != nil {
		return err
	}
	s.note(c, exchangeOf(c).caller, actMakeCode)
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Status(http.StatusCreated).JSON(resource.LoginCode{Code: string(code), ExpiresAt: until, URL: "/login#code=" + string(code)})
}

// makeLoginCode makes a code that is valid from now on, and begins a session of the caller.
func (s *Server) makeLoginCode(ctx context.Context, caller auth.Caller, now time.Time) (code auth.LoginCode, until time.Time, err error) {
	begun, err := caller.BeginSession(s.cfg.SessionLife, now)
	if err != nil {
		return "", time.Time{}, err
	}
	code = auth.NewLoginCode()
	sealed, err := code.Seal(begun.Cookie)
	if err != nil {
		return "", time.Time{}, err
	}
	until = now.Add(auth.LoginCodeLife).UTC().Truncate(time.Second)
	if begun.ExpiresAt.Before(until) {
		until = begun.ExpiresAt.UTC() // it would begin a session that has ended
	}
	return code, until, objectstore.PutJSON(ctx, s.store, orak.LoginCodeKey(code.Name()), keptCode{ExpiresAt: until, Sealed: sealed}, true)
}

// maxLoginCode bounds a code that somebody sends, in bytes.
const maxLoginCode = 100

// redeem returns the cookie of the session that a code begins. Of several requests with
// one code, on any instances, one gets it: the conditional write decides.
func (s *Server) redeem(ctx context.Context, code auth.LoginCode) (cookie string, err error) {
	if len(code) > maxLoginCode {
		return "", uselessCode(nil)
	}
	key := orak.LoginCodeKey(code.Name())
	kept, info, err := objectstore.GetJSON[keptCode](ctx, s.store, key)
	if errors.Is(err, fs.ErrNotExist) {
		return "", uselessCode(nil)
	}
	if err != nil {
		return "", err
	}
	if len(kept.Sealed) == 0 || !time.Now().Before(kept.ExpiresAt) {
		return "", uselessCode(nil)
	}
	cookie, err = code.Open(kept.Sealed)
	if err != nil {
		return "", uselessCode(err)
	}
	_, err = objectstore.ReplaceJSON(ctx, s.store, key, keptCode{ExpiresAt: kept.ExpiresAt}, info.ETag)
	if errors.Is(err, objectstore.ErrChanged) {
		return "", uselessCode(err)
	}
	return cookie, err
}

// uselessCode does not say whether there was such a code.
func uselessCode(err error) *auth.Denial {
	return &auth.Denial{Reason: auth.ReasonInvalid, Detail: "The code is not valid: it works once, and for 5 minutes. Ask for a new one with orak console.", Err: err}
}

// sweepLoginCodes removes what is kept for codes that have expired, until ctx ends.
func (s *Server) sweepLoginCodes(ctx context.Context, bucket <-chan struct{}) {
	if bucket != nil {
		select {
		case <-bucket:
		case <-ctx.Done():
			return
		}
	}
	ticker := time.NewTicker(codeSweepInterval)
	defer ticker.Stop()
	for {
		if err := s.removeLoginCodes(ctx, time.Now().Add(-auth.LoginCodeLife)); err != nil && ctx.Err() == nil {
			s.outages.Report(err)
			s.log.WarnContext(ctx, "old login codes could not be removed; trying again at the next interval", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// removeLoginCodes removes what was written for codes before then. Any number of
// processes may do so at once.
func (s *Server) removeLoginCodes(ctx context.Context, before time.Time) error {
	for info, err := range s.store.ListAfter(ctx, orak.LoginCodePrefix, "") {
		if err != nil {
			return err
		}
		if !info.ModifiedAt.Before(before) {
			continue
		}
		if err := s.store.Delete(ctx, info.Key); err != nil {
			return err
		}
	}
	return nil
}
