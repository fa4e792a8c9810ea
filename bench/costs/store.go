package main

import (
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
)

// counter is a proxy in front of the store that counts.
type counter struct {
	address string
	close   func() error

	mu    sync.Mutex
	costs costs
}

// countRequests runs a proxy in front of the store at an address.
func countRequests(store string) (*counter, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &counter{address: l.Addr().String(), costs: newCosts()}
	proxy := &httputil.ReverseProxy{
		// The host is signed, so it stays.
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", store, r.In.Host
			r.Out.Body = c.counting(r.Out.Body, &c.costs.Sent)
		},
		ModifyResponse: func(r *http.Response) error {
			r.Body = c.counting(r.Body, &c.costs.Received)
			return nil
		},
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.costs.Requests[r.Method]++
		c.mu.Unlock()
		proxy.ServeHTTP(w, r)
	})}
	c.close = server.Close
	go func() { _ = server.Serve(l) }() // close ends it
	return c, nil
}

// counting adds what is read of a body to n.
func (c *counter) counting(body io.ReadCloser, n *int64) io.ReadCloser {
	if body == nil || body == http.NoBody {
		return body
	}
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(body, adder{c, n}), body}
}

type adder struct {
	*counter
	n *int64
}

// Write implements io.Writer.
func (a adder) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	*a.n += int64(len(p))
	return len(p), nil
}

// counted returns what was counted so far.
func (c *counter) counted() costs {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := newCosts()
	maps.Copy(now.Requests, c.costs.Requests)
	now.Sent, now.Received = c.costs.Sent, c.costs.Received
	return now
}

func newCosts() costs {
	return costs{Requests: map[string]int64{}, Objects: map[string]int64{}, Topics: map[string]int64{}, Records: map[string]int64{}}
}

func (c costs) minus(before costs) costs {
	for method, n := range before.Requests {
		c.Requests[method] -= n
	}
	c.Sent -= before.Sent
	c.Received -= before.Received
	return c
}
