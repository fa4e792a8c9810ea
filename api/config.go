package api

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// Config is the API server's.
type Config struct {
	Addr              string        `help:"Address to listen on, as host:port; port 0 takes a free one." default:"127.0.0.1:8080"`
	MaxUploadBytes    int64         `help:"Largest recording that is taken, in bytes." default:"100000000"`
	MaxUploads        int           `help:"Most uploads that are received at once; further ones are answered 503. Each takes up to s3-part-size of memory." default:"64"`
	MaxTenantUploads  int           `help:"Most uploads of one tenant that are received at once; further ones are answered 429." default:"56"`
	MinUploadRate     int           `help:"An upload that comes more slowly than this, in bytes a second over the last seconds, loses its place to one that finds none free; 0 lets every sender keep it." default:"16384"`
	AckWait           time.Duration `help:"How long an upload's answer waits for Kafka. After that it is given all the same, and the event follows from the outbox." default:"100ms"`
	BodyTimeout       time.Duration `help:"Longest silence within a request's body or while an answer is read; there is no limit on the whole." default:"30s"`
	HeaderTimeout     time.Duration `help:"Longest time to receive the head of a request." default:"15s"`
	KeepAlive         time.Duration `help:"How long an idle connection is kept." default:"75s"`
	MaxConnections    int           `help:"Most connections at once; when more come, the one that has waited longest for a request is closed, and where none waits the new one is answered 503. 0 means half of the descriptors that the process may open, less 24, and 4096 at most." default:"0"`
	Hosts             []string      `help:"Names by which the server may be asked for, without a port, beside those of loopback; requests for others are answered 421. Empty means any, unless it listens on loopback." default:""`
	Origins           []string      `help:"Origins of web pages, such as https://app.example.org, that may upload and decide; what a browser sends for a page of another one is answered 403." default:""`
	RequestTimeout    time.Duration `help:"How long a request may take, beside the waiting for its client; then it is answered 503. Event streams and answers that are being read go on." default:"15s"`
	StoreTimeout      time.Duration `help:"The same for an upload, counted from the last bytes that its client sent. It is longer than s3-part-wait." default:"45s"`
	StatusTimeout     time.Duration `help:"How long Temporal is waited for when a status is asked." default:"5s"`
	AllTenants        bool          `help:"Take the header X-Orak-Tenant: * for the dead letters: it lists those of every tenant, and decides about them. Only where whoever can send that header is an operator." default:"false"`
	UpdateTimeout     time.Duration `help:"How long a worker is waited for when a dead letter is reprocessed or discarded." default:"10s"`
	WatchInterval     time.Duration `help:"How often an upload that event streams watch is looked at, once for all of them; four times as seldom after a minute without a change." default:"500ms"`
	WatchRate         int           `help:"How often all uploads that event streams watch are looked at in a second, at most; where more are watched than that allows, each is looked at less often." default:"50"`
	Heartbeat         time.Duration `help:"Longest silence on an event stream: a comment is sent then." default:"15s"`
	MaxWatchers       int           `help:"Most event streams at once; further ones are answered 503." default:"2000"`
	MaxTenantWatchers int           `help:"Most event streams of one tenant at once; further ones are answered 429." default:"500"`
	OutboxInterval    time.Duration `help:"How often the outbox is searched for uploads whose event is not acknowledged." default:"30s"`
	OutboxMinAge      time.Duration `help:"Markers younger than this are left alone, since their uploads are probably still running. Does not hold for those from before the process began." default:"2m"`
	OutboxGrace       time.Duration `help:"A marker whose recording never arrived is dropped when it is older than this." default:"24h"`
	OutboxWorkers     int           `help:"How many markers are handled at once." default:"4"`
}

// Validate reports the first setting that cannot work.
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
	if c.MaxWatchers <= 0 || c.MaxTenantWatchers <= 0 || c.WatchRate <= 0 || c.OutboxWorkers <= 0 {
		return errors.New("max-watchers, max-tenant-watchers, watch-rate, outbox-workers: want more than 0")
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
	return nil
}
