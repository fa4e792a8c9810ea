package api

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/direct"
	"orak/internal/resumable"
)

func TestFilenameIsCleaned(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"a.wav":                  "a.wav",
		"../../etc/passwd":       "passwd",
		`C:\Users\x\Song 1.m4a`:  "Song 1.m4a",
		"..":                     "",
		"x/..":                   "",
		"a/":                     "",
		" \t":                    "",
		"a\x00b\x1b[2Jc.wav":     "ab[2Jc.wav",
		"evil\u202efdp.exe":      "evilfdp.exe",
		"bad\xff\xfeutf8":        "badutf8",
		"Ünïcode – ж.ogg":        "Ünïcode – ж.ogg",
		strings.Repeat("x", 300): strings.Repeat("x", 255),
		strings.Repeat("ж", 200): strings.Repeat("ж", 127),
		"\u2028line\u2029.wav":   "line.wav",
	} {
		got := orak.CleanFilename(given)
		require.Equal(t, want, got)
		require.LessOrEqual(t, len(got), orak.MaxFilename)
		require.True(t, utf8.ValidString(got))
	}
	require.Equal(t, "a b.wav", dispositionFilename(`attachment; filename="/x/a b.wav"`))
	require.Equal(t, "€.wav", dispositionFilename(`attachment; filename*=UTF-8''%e2%82%ac.wav`))
	require.Empty(t, dispositionFilename("attachment; ;;"))
}

func TestIDsFollowFromTenantAndKey(t *testing.T) {
	t.Parallel()
	id, repeatable, err := newID("choir", "take 1")
	require.NoError(t, err)
	require.True(t, repeatable)
	// Must never change: a repeat after an upgrade would become a second upload.
	require.Equal(t, "aa58444d-cc54-546c-a268-805b4ffd3386", string(id))
	other, _, err := newID("choi", "rtake 1")
	require.NoError(t, err)
	require.NotEqual(t, id, other)
	fresh, repeatable, err := newID("choir", "")
	require.NoError(t, err)
	require.False(t, repeatable)
	require.Equal(t, byte('7'), fresh[14])
	require.Equal(t, byte('5'), id[14])
}

func TestEveryCodeHasItsOwnMeaning(t *testing.T) {
	t.Parallel()
	titles := map[string]code{}
	for k, meaning := range meanings {
		status, title := meaning.status, meaning.title
		require.GreaterOrEqual(t, status, 400, k)
		require.Empty(t, titles[title], "%s and %s share a title", k, titles[title])
		titles[title] = k
	}
}

func TestConfigValidates(t *testing.T) {
	t.Parallel()
	good := Config{
		Addr: ":0", MaxUploadBytes: 1, MaxUploads: 1, MaxTenantUploads: 1, AckWait: 1, BodyTimeout: 1, HeaderTimeout: 1, KeepAlive: 1, RequestTimeout: 1, StoreTimeout: 1, StatusTimeout: 1,
		UpdateTimeout: 1, WatchInterval: 1, Heartbeat: 1, MaxWatchers: 1, MaxTenantWatchers: 1, MaxTenantDownloads: 1, MaxWaveforms: 1, MaxTenantWaveforms: 1, MaxCounts: 1, MaxTenantCounts: 1, WatchRate: 1, OutboxInterval: 1, OutboxMinAge: 1,
		OutboxGrace: time.Hour, OutboxWorkers: 1, MaxSongImports: 1, MaxDownloads: 1, MaxFeedRecords: 1, MaxFeedResumes: 1, MaxTenantResumes: 1, SessionLife: time.Hour,
		Direct: direct.Config{TTL: time.Hour, URLTTL: time.Minute, MaxTenantUploads: 1, Completions: 1, SweepInterval: 1},
		Tus:    resumable.Config{Expiry: time.Hour, Memory: 128 << 20, MaxRequests: 1, MaxTenantUploads: 1, SweepInterval: time.Hour},
	}
	require.NoError(t, good.Validate())
	for _, spoil := range []func(*Config){
		func(c *Config) { c.Addr = "nonsense" },
		func(c *Config) { c.MaxUploadBytes = 0 },
		func(c *Config) { c.MaxUploads = 0 },
		func(c *Config) { c.MaxTenantUploads = 0 },
		func(c *Config) { c.MinUploadRate = -1 },
		func(c *Config) { c.MaxWatchers = 0 },
		func(c *Config) { c.MaxTenantWatchers = 0 },
		func(c *Config) { c.MaxTenantDownloads = 0 },
		func(c *Config) { c.WatchRate = 0 },
		func(c *Config) { c.OutboxGrace = 0 },
		func(c *Config) { c.MaxSongImports = 0 },
		func(c *Config) { c.MaxDownloads = 0 },
		func(c *Config) { c.MaxWaveforms = 0 },
		func(c *Config) { c.MaxCounts = 0 }, func(c *Config) { c.MaxTenantCounts = 0 },
		func(c *Config) { c.MaxTenantWaveforms = 0 },
		func(c *Config) { c.MaxRankedSongs = -1 },
		func(c *Config) { c.MaxLogins = -1 },
		func(c *Config) { c.SessionLife = time.Second },
		func(c *Config) { c.SessionLife = 31 * 24 * time.Hour },
		func(c *Config) { c.Direct.TTL = 25 * time.Hour },
		func(c *Config) { c.Direct.Completions = 0 },
	} {
		bad := good
		spoil(&bad)
		require.Error(t, bad.Validate())
	}
}
