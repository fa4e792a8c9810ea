package api

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"orak/internal/auth"
	"orak/internal/direct"
	"orak/internal/resumable"
)

// Config configures the API server.
type Config struct {
	Addr               string        `help:"Address to listen on, as host:port; port 0 takes a free one." default:"127.0.0.1:8080"`
	MaxUploadBytes     int64         `help:"Size in bytes of the largest recording that is accepted." default:"100000000"`
	MaxUploads         int           `help:"Most uploads that run at once; further ones are answered 503. Each takes up to s3-part-size of memory." default:"64"`
	MaxTenantUploads   int           `help:"Most uploads of one tenant that run at once; further ones are answered 429." default:"56"`
	MaxTenantRequests  int           `help:"Most requests of one tenant per second in this process; further ones are answered 429. 0 means no limit." default:"1000"`
	MaxTenantDayBytes  int64         `help:"Most bytes of recordings that this process accepts of one tenant in a day (UTC); further ones are answered 429. A restart begins anew. 0 means no limit." default:"1000000000000"`
	MinUploadRate      int           `help:"An upload slower than this, in bytes per second over the last seconds, is ended with 408 when another one finds no free place; 0 disables this." default:"16384"`
	AckWait            time.Duration `help:"How long Kafka may take to acknowledge an event before its marker in the outbox gets the size and digest of the recording, which costs a further write. No answer waits for it." default:"100ms"`
	BodyTimeout        time.Duration `help:"Longest silence of a client within its request's body or while it reads an answer; there is no limit on the whole." default:"30s"`
	HeaderTimeout      time.Duration `help:"Longest time to receive the head of a request." default:"15s"`
	KeepAlive          time.Duration `help:"How long an idle connection is kept." default:"75s"`
	MaxConnections     int           `help:"Most connections at once. For a further one, the connection that has waited longest for a request is closed; if none waits, the new one is answered 503. 0 means half of the files that the process may open, less 24, and at most 4096." default:"0"`
	Hosts              []string      `help:"Host names of the server, without a port, besides those of loopback; requests for others are answered 421. Empty means any, unless the server listens on loopback." default:""`
	Origins            []string      `help:"Origins of web pages, such as https://app.example.org, that may send requests and read the answers (CORS); changes requested by pages of other origins are answered 403." default:""`
	Codec              string        `help:"Serve /v1/codec for the Temporal Web UI and Temporal's command line, which show with it what orak encrypts (temporal-codec-keys). decode decrypts only; both also encrypts. The caller needs the scope operate for every tenant; the origin of the Web UI must be in api-origins." enum:"off,decode,both" default:"off"`
	RequestTimeout     time.Duration `help:"Longest time for a request, without the wait for its client; then it is answered 503. Event streams and answers that are being read continue." default:"15s"`
	StoreTimeout       time.Duration `help:"The same for an upload, counted from the last bytes that its client sent. Keep it longer than s3-part-wait." default:"45s"`
	StatusTimeout      time.Duration `help:"How long a status request waits for Temporal." default:"5s"`
	Console            bool          `help:"Serve the console, a web page at /, and let people log in to it. Without it no session is accepted." default:"true" negatable:""`
	SessionLife        time.Duration `help:"How long a login lasts, 1m to 720h. It ends earlier with its API key." default:"12h"`
	MaxLogins          int           `help:"Most attempts to log in of one address per minute in this process, by wrong keys, codes and OpenID Connect, and most login codes of one credential; further ones are answered 429. A valid key always logs in. Behind a proxy, all clients have its address. 0 means no limit." default:"120"`
	AllTenants         bool          `help:"Accept the header X-Orak-Tenant: * for dead letters: it lists those of every tenant, and decides on them. Enable it only if none but operators can send that header." default:"false"`
	UpdateTimeout      time.Duration `help:"How long the decision on a dead letter waits for a worker." default:"10s"`
	WatchInterval      time.Duration `help:"Interval between polls of an upload that event streams watch, shared by all of its streams; four times as long after a minute without a change." default:"500ms"`
	WatchRate          int           `help:"Most polls per second of all uploads that event streams watch; with more uploads, each is polled less often." default:"50"`
	Heartbeat          time.Duration `help:"Longest silence on an event stream; a comment is sent then." default:"15s"`
	MaxWatchers        int           `help:"Most event streams at once; further ones are answered 503." default:"2000"`
	MaxTenantWatchers  int           `help:"Most event streams of one tenant at once; further ones are answered 429." default:"500"`
	MaxSongImports     int           `help:"Most imports of songs that run at once; further ones are answered 429. Each takes up to 200 MB of memory." default:"2"`
	MaxTenantWebhooks  int           `help:"Most webhooks of one tenant; further ones are answered 409." default:"20"`
	MaxRankedSongs     int           `help:"Most songs of a tenant that are ranked for a voice, beside the shipped ones; further ones, by id, are left out." default:"200000"`
	MaxDownloads       int           `help:"Most results and recordings that are sent at once; further ones are answered 503. Each takes a connection to the store and about 40 kB of memory." default:"256"`
	MaxTenantDownloads int           `help:"Most results and recordings that are sent at once to one tenant; further ones are answered 429." default:"192"`
	MaxWaveforms       int           `help:"Most waveforms that are made at once; further ones are answered 503. Each reads a whole converted recording from the store and takes a connection to it, a tenth of a second of a processor for an hour of audio, and up to 2 MB of memory." default:"16"`
	MaxTenantWaveforms int           `help:"Most waveforms that are made at once for one tenant; further ones are answered 429." default:"8"`
	MaxCounts          int           `help:"Most counts of dead letters by a text or a time that are made at once; further ones are answered 503. Each reads up to 20000 dead letters from Temporal." default:"8"`
	MaxTenantCounts    int           `help:"Most such counts that are made at once for one tenant, or for all of them together (*); further ones are answered 429." default:"4"`
	MaxFeedRecords     int           `help:"Most records of all tenants' events that are read again for a client which resumes the stream of its tenant's events; one that was away for longer is told that events were lost." default:"100000"`
	MaxFeedResumes     int           `help:"How many such clients resume at once; further ones wait." default:"8"`
	MaxTenantResumes   int           `name:"max-tenant-feed-resumes" help:"How many such clients of one tenant resume at once; further ones wait, and take no place of other tenants." default:"4"`
	OutboxInterval     time.Duration `help:"How often the outbox is searched for uploads whose event is not acknowledged." default:"30s"`
	OutboxMinAge       time.Duration `help:"Markers younger than this are skipped, since their uploads are probably still running. Markers older than this process are taken at once." default:"2m"`
	OutboxGrace        time.Duration `help:"A marker without a recording is dropped when it is older than this." default:"24h"`
	OutboxWorkers      int           `help:"Most markers that are handled at once." default:"4"`

	Tus    resumable.Config `embed:"" prefix:"tus-"`
	Direct direct.Config    `embed:"" prefix:"direct-"`
}

// Validate reports the first invalid setting.
func (c Config) Validate() error {
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		return fmt.Errorf("addr %q: want host:port", c.Addr)
	}
	if c.MaxUploadBytes <= 0 {
		return errors.New("max-upload-bytes: want more than 0")
	}
	if c.MaxUploads <= 0 || c.MaxTenantUploads <= 0 || c.MinUploadRate < 0 {
		return errors.New("max-uploads, max-tenant-uploads: want more than 0; min-upload-rate: want 0 at least")
	}
	if c.MaxTenantRequests < 0 || c.MaxTenantDayBytes < 0 {
		return errors.New("max-tenant-requests, max-tenant-day-bytes: want 0 at least")
	}
	if c.MaxWatchers <= 0 || c.MaxTenantWatchers <= 0 || c.WatchRate <= 0 || c.OutboxWorkers <= 0 {
		return errors.New("max-watchers, max-tenant-watchers, watch-rate, outbox-workers: want more than 0")
	}
	if c.MaxFeedRecords <= 0 || c.MaxFeedResumes <= 0 || c.MaxTenantResumes <= 0 {
		return errors.New("max-feed-records, max-feed-resumes, max-tenant-feed-resumes: want more than 0")
	}
	if c.MaxDownloads <= 0 || c.MaxTenantDownloads <= 0 {
		return errors.New("max-downloads, max-tenant-downloads: want more than 0")
	}
	if c.MaxWaveforms <= 0 || c.MaxTenantWaveforms <= 0 {
		return errors.New("max-waveforms, max-tenant-waveforms: want more than 0")
	}
	if c.MaxCounts <= 0 || c.MaxTenantCounts <= 0 {
		return errors.New("max-counts, max-tenant-counts: want more than 0")
	}
	if c.MaxSongImports <= 0 || c.MaxRankedSongs < 0 {
		return errors.New("max-song-imports: want more than 0; max-ranked-songs: want 0 at least")
	}
	if c.SessionLife < auth.MinSessionLife || c.SessionLife > auth.MaxSessionLife {
		return fmt.Errorf("session-life %v: want %v to %v", c.SessionLife, auth.MinSessionLife, auth.MaxSessionLife)
	}
	if c.MaxLogins < 0 {
		return errors.New("max-logins: want 0 at least")
	}
	for _, origin := range c.Origins {
		if u, err := url.Parse(origin); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Scheme+"://"+u.Host != origin || strings.Contains(origin, "*") {
			return fmt.Errorf("origins %q: want scheme://host, with a port if it is not the scheme's, such as https://app.example.org", origin)
		}
	}
	if c.MaxTenantWebhooks < 0 {
		return errors.New("max-tenant-webhooks: want 0 at least")
	}
	if err := c.Tus.Validate(); err != nil {
		return fmt.Errorf("tus-%w", err)
	}
	if c.MaxConnections < 0 {
		return errors.New("max-connections: want 0 or more")
	}
	for name, d := range map[string]time.Duration{
		"ack-wait": c.AckWait, "body-timeout": c.BodyTimeout, "header-timeout": c.HeaderTimeout,
		"keep-alive": c.KeepAlive, "request-timeout": c.RequestTimeout, "store-timeout": c.StoreTimeout, "status-timeout": c.StatusTimeout, "update-timeout": c.UpdateTimeout,
		"watch-interval": c.WatchInterval, "heartbeat": c.Heartbeat, "outbox-interval": c.OutboxInterval,
		"outbox-min-age": c.OutboxMinAge, "outbox-grace": c.OutboxGrace,
	} {
		if d <= 0 {
			return fmt.Errorf("%s %v: want more than 0", name, d)
		}
	}
	return c.Direct.Validate()
}
