package outage

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

// proxy stands in front of a server, and can behave worse than any network.
//
// Each kind of trouble has a toxiproxy of its own, at the same address, which has its
// toxics before its first connection: toxiproxy panics if one is added while a
// connection ends.
type proxy struct {
	*toxiproxy.Proxy
	t *testing.T
	// down says that it does not listen.
	down bool
}

func newProxy(t *testing.T, upstream string) *proxy {
	t.Helper()
	p := &proxy{fresh("127.0.0.1:0", upstream), t, false}
	require.NoError(t, p.Start())
	t.Cleanup(func() { p.Stop() })
	return p
}

// fresh is a proxy without trouble that does not listen yet.
func fresh(listen, upstream string) *toxiproxy.Proxy {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	return toxiproxy.NewProxy(server, "proxy", listen, upstream)
}

// address is the proxy's address; it stays the same when it is cut.
func (p *proxy) address() string { return p.Listen }

// next ends all connections, and replaces one kind of trouble by the next one.
func (p *proxy) next(trouble func()) {
	p.t.Helper()
	p.Stop()
	p.Proxy, p.down = fresh(p.Listen, p.Upstream), false
	if trouble(); !p.down {
		require.NoError(p.t, p.Start())
	}
}

// heal stops all trouble.
func (p *proxy) heal() { p.next(func() {}) }

// cut refuses connections.
func (p *proxy) cut() { p.down = true }

// damage lets a few bytes of each connection through, in small pieces, and then
// closes it: whole requests and answers are rare.
func (p *proxy) damage() {
	p.toxic("slicer", "upstream", `{"average_size": 64, "size_variation": 32}`)
	p.toxic("limit_data", "upstream", `{"bytes": 500}`)
	p.toxic("limit_data", "downstream", `{"bytes": 300}`)
}

// reset ends connections with a reset as soon as something is sent.
func (p *proxy) reset() { p.toxic("reset_peer", "upstream", `{"timeout": 0}`) }

// stall accepts connections and bytes, and never answers.
func (p *proxy) stall() {
	p.toxic("timeout", "upstream", `{"timeout": 0}`)
	p.toxic("timeout", "downstream", `{"timeout": 0}`)
}

func (p *proxy) toxic(kind, stream, attributes string) {
	p.t.Helper()
	_, err := p.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(
		`{"type": %q, "stream": %q, "name": "%s_%s", "toxicity": 1, "attributes": %s}`, kind, stream, kind, stream, attributes)))
	require.NoError(p.t, err)
}

// advertised is a listener with another address, so that a broker sends its
// clients through a proxy.
type advertised struct {
	net.Listener
	addr net.Addr
}

func (a advertised) Addr() net.Addr { return a.addr }
