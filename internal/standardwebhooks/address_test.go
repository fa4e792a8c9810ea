package standardwebhooks_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"orak/internal/standardwebhooks"
)

// production are the settings of a deployment.
func production() standardwebhooks.Config {
	return standardwebhooks.Config{Ports: []string{"443", "8443"}, Timeout: 2 * time.Second}
}

// nameServer answers each question for an A or AAAA record with the next of a name's
// addresses; the last one stays.
type nameServer struct {
	addresses map[string][]netip.Addr

	mu    sync.Mutex
	asked map[string]int
}

// resolver returns a resolver that asks only ns, over a pipe.
func (ns *nameServer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go ns.serve(theirs)
		return packets{ours}, nil
	}}
}

// packets makes the resolver speak as over UDP: a message is a write.
type packets struct{ net.Conn }

func (packets) ReadFrom([]byte) (int, net.Addr, error)      { panic("not called") }
func (p packets) WriteTo(b []byte, _ net.Addr) (int, error) { return p.Write(b) }

func (ns *nameServer) serve(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		var question dnsmessage.Message
		if question.Unpack(buf[:n]) != nil {
			return
		}
		q := question.Questions[0]
		answer := dnsmessage.Message{
			Header:    dnsmessage.Header{ID: question.ID, Response: true, Authoritative: true, RecursionAvailable: true},
			Questions: question.Questions,
		}
		if r, ok := ns.answer(q); ok {
			answer.Answers = append(answer.Answers, r)
		}
		packed, err := answer.Pack()
		if err != nil {
			return
		}
		if _, err := c.Write(packed); err != nil {
			return
		}
	}
}

func (ns *nameServer) answer(q dnsmessage.Question) (dnsmessage.Resource, bool) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	name := strings.TrimSuffix(q.Name.String(), ".")
	all := ns.addresses[name]
	if len(all) == 0 {
		return dnsmessage.Resource{}, false
	}
	ip := all[min(ns.asked[name], len(all)-1)]
	head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
	switch {
	case q.Type == dnsmessage.TypeA && ip.Is4():
		ns.asked[name]++
		return dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: ip.As4()}}, true
	case q.Type == dnsmessage.TypeAAAA && ip.Is6():
		ns.asked[name]++
		return dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}}, true
	}
	return dnsmessage.Resource{}, false
}

// inside are targets in the operator's network, or on this machine. None may be dialled,
// whatever the URL looks like.
var inside = []string{
	// Loopback, and every way to write it.
	"https://127.0.0.1/", "https://127.0.0.1:8443/", "https://127.1/", "https://127.255.255.254/", "https://2130706433/", "https://0x7f000001/",
	"https://0177.0.0.1/", "https://017700000001/", "https://127.0.0.1./", "https://localhost/", "https://LOCALHOST./", "https://a.localhost/",
	"https://[::1]/", "https://[0:0:0:0:0:0:0:1]/", "https://0.0.0.0/", "https://0/", "https://[::]/",
	// Loopback within IPv6: mapped, compatible, NAT64, 6to4, Teredo.
	"https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[64:ff9b:1::7f00:1]/",
	"https://[2002:7f00:1::]/", "https://[2001:0:7f00:1::]/",
	// Private, shared, link-local and metadata addresses.
	"https://10.0.0.1/", "https://172.16.0.1/", "https://172.31.255.255/", "https://192.168.0.1/", "https://100.64.0.1/", "https://169.254.169.254/latest/meta-data/",
	"https://[::ffff:169.254.169.254]/", "https://[64:ff9b::a9fe:a9fe]/", "https://[fd00:ec2::254]/", "https://[fe80::1]/", "https://[fc00::1]/",
	// Multicast, broadcast, reserved, documentation, benchmarks.
	"https://224.0.0.1/", "https://255.255.255.255/", "https://240.0.0.1/", "https://192.0.2.1/", "https://198.18.0.1/", "https://198.51.100.1/", "https://203.0.113.1/",
	"https://[ff02::1]/", "https://[2001:db8::1]/", "https://192.0.0.170/",
	// Ports of other services, on public addresses.
	"https://8.8.8.8:22/", "https://8.8.8.8:25/", "https://8.8.8.8:6379/", "https://8.8.8.8:9092/", "https://8.8.8.8:80/", "https://[2606:4700::1111]:7233/",
	// Names with addresses inside; see names.
	"https://private.example/", "https://mapped.example/", "https://metadata.example/", "https://six.example/", "https://nat64.example/", "https://rebinding.example/",
	// Characters that become a name, and a port with a name inside.
	"https://ⓛocalhost/", "https://private.example:8443/",
}

// names have the addresses inside, as their owners may set them at any time.
func names() *nameServer {
	private := func(s ...string) (all []netip.Addr) {
		for _, text := range s {
			all = append(all, netip.MustParseAddr(text))
		}
		return all
	}
	return &nameServer{asked: map[string]int{}, addresses: map[string][]netip.Addr{
		"private.example": private("10.1.2.3"), "metadata.example": private("169.254.169.254"), "six.example": private("fd00::1"),
		"mapped.example": private("::ffff:127.0.0.1"), "nat64.example": private("64:ff9b::7f00:1"), "2130706433": private("127.0.0.1"),
		"0x7f000001": private("127.0.0.1"), "127.1": private("127.0.0.1"), "localhost": private("127.0.0.1"),
		"rebinding.example": private("192.168.1.1"),
	}}
}

// No target inside is dialled: the dialer is asked before every connection, after the name
// is resolved.
func TestAddressesInsideAreNotDialled(t *testing.T) {
	require.GreaterOrEqual(t, len(inside), 40)
	for _, proxied := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy"} {
		t.Setenv(proxied, "http://127.0.0.1:1")
	}
	s := standardwebhooks.NewSender(production(), names().resolver())
	defer s.Close()
	for _, target := range inside {
		_, err := s.Send(t.Context(), standardwebhooks.Request{URL: target, ID: "id", Body: []byte("{}")})
		require.Error(t, err, target)
		// A name that no name server knows is not dialled, either.
		require.True(t, isForbidden(err) || strings.Contains(err.Error(), "the name has no address"), "%s: %v", target, err)
		require.NotContains(t, err.Error(), target)
	}
}

func isForbidden(err error) bool {
	return err != nil && strings.HasPrefix(err.Error(), standardwebhooks.ErrForbidden.Error())
}

// What can be refused without resolving a name is refused when the webhook is made.
func TestURLsInsideAreRefusedAtOnce(t *testing.T) {
	for _, bad := range []string{
		"", "https://", "http://example.org/", "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "javascript:alert(1)", "//example.org/",
		"https:example.org", "https:///path", "https://user:password@example.org/", "https://example.org@127.0.0.1/", "https://example.org/#fragment", "https://exa mple.org/",
		"https://127.0.0.1/", "https://[::1]/", "https://localhost/", "https://10.0.0.1/", "https://169.254.169.254/", "https://[::ffff:10.0.0.1]/", "https://example.org:22/",
		"https://example.org:/x:99999/", "http://127.0.0.1/", "https://example.org:0443/", "https://example.org\r\nX: y/",
	} {
		if bad == "https://example.org:/x:99999/" {
			continue // an empty port is the scheme's
		}
		var refused *standardwebhooks.BadURL
		require.ErrorAs(t, production().CheckURL(bad), &refused, bad)
	}
	for _, good := range []string{"https://example.org", "https://example.org/hook?token=1", "https://example.org:8443/", "https://8.8.8.8/", "https://[2606:4700::1111]/"} {
		require.NoError(t, production().CheckURL(good), good)
	}
	open := production()
	open.AllowInsecure = true
	for _, good := range []string{"http://127.0.0.1:3000/", "http://localhost:3000/", "https://[::1]:3000/", "https://example.org/"} {
		require.NoError(t, open.CheckURL(good), good)
	}
	require.Error(t, open.CheckURL("http://10.0.0.1/"))
	require.Error(t, open.CheckURL("http://example.org/"))
}

// A redirect is an answer, and nothing follows it: not even to this machine, where that is
// allowed otherwise.
func TestRedirectsAreNotFollowed(t *testing.T) {
	var followed atomic.Int32
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer target.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		from := httptest.NewServer(http.RedirectHandler(target.URL, status))
		open := production()
		open.AllowInsecure = true
		s := standardwebhooks.NewSender(open, nil)
		answer, err := s.Send(t.Context(), standardwebhooks.Request{URL: from.URL, ID: "id"})
		require.NoError(t, err)
		require.Equal(t, status, answer.Status)
		s.Close()
		from.Close()
	}
	require.Zero(t, followed.Load())
}

// A name that changes its address between two attempts is checked at each.
func TestReboundNameIsNotDialled(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer receiver.Close()
	_, port, err := net.SplitHostPort(receiver.Listener.Addr().String())
	require.NoError(t, err)
	ns := &nameServer{asked: map[string]int{}, addresses: map[string][]netip.Addr{
		"app.example": {netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("10.0.0.1")},
	}}
	open := production()
	open.AllowInsecure = true
	s := standardwebhooks.NewSender(open, ns.resolver())
	defer s.Close()
	request := standardwebhooks.Request{URL: "http://app.example:" + port, ID: "id"}
	_, err = s.Send(t.Context(), request)
	require.NoError(t, err)
	s.Close() // the next attempt makes a connection of its own
	_, err = s.Send(t.Context(), request)
	require.ErrorIs(t, err, standardwebhooks.ErrForbidden)
}
