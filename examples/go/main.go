// Command go sends a recording to orak, waits until a webhook reports its end, prints its
// analysis and saves the converted recording. It uses only HTTP and the library of
// Standard Webhooks; docs/api.md explains it.
//
//	ORAK_URL=http://127.0.0.1:8080 ORAK_API_KEY="$(cat .orak/api-key)" go run ./examples/go take.wav heard.wav
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// The parts of the answers that this program reads.
type (
	upload struct {
		ID     string `json:"id"`
		Status string `json:"status"`
		Links  struct {
			Analysis string `json:"analysis"`
			Audio    string `json:"audio"`
		} `json:"links"`
	}
	analysis struct {
		Pitch struct {
			LowNote  string `json:"low_note"`
			HighNote string `json:"high_note"`
		} `json:"pitch"`
		Tempo struct {
			BPM float64 `json:"bpm"`
		} `json:"tempo"`
	}
	webhook struct {
		ID     string `json:"id"`
		Secret string `json:"secret"`
	}
	event struct {
		Type string `json:"type"`
		Data struct {
			UploadID string `json:"upload_id"`
			Status   string `json:"status"`
		} `json:"data"`
	}
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go run ./examples/go RECORDING CONVERTED.wav")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	o := orak{url: os.Getenv("ORAK_URL"), key: os.Getenv("ORAK_API_KEY")}
	if err := o.sing(ctx, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// orak calls one server.
type orak struct{ url, key string }

// sing sends a recording and saves what orak heard.
func (o orak) sing(ctx context.Context, recording, heard string) (err error) {
	events, hook, err := o.listen(ctx)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, o.call(context.WithoutCancel(ctx), http.MethodDelete, "/v1/webhooks/"+hook.ID, nil, nil))
	}()
	u, err := o.upload(ctx, recording)
	if err != nil {
		return err
	}
	fmt.Println("sent as", u.ID)
	if err := await(ctx, events, u.ID); err != nil {
		return err
	}
	var a analysis
	if err := o.call(ctx, http.MethodGet, u.Links.Analysis, nil, &a); err != nil {
		return err
	}
	fmt.Printf("range %s to %s, %.0f beats per minute\n", a.Pitch.LowNote, a.Pitch.HighNote, a.Tempo.BPM)
	return o.save(ctx, u.Links.Audio, heard)
}

// listen receives webhooks on a port of this machine, and has orak send them there. A
// server elsewhere needs an https URL that it can reach.
func (o orak) listen(ctx context.Context) (<-chan event, webhook, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, webhook{}, err
	}
	var hook webhook
	err = o.call(ctx, http.MethodPost, "/v1/webhooks", map[string]any{"url": "http://" + l.Addr().String() + "/hooks/orak"}, &hook)
	if err != nil {
		return nil, webhook{}, err
	}
	verifier, err := standardwebhooks.NewWebhook(hook.Secret)
	if err != nil {
		return nil, webhook{}, err
	}
	events := make(chan event, 100)
	go func() { _ = http.Serve(l, receive(verifier, events)) }() // until the program ends
	return events, hook, nil
}

// receive accepts only what orak signed. It answers at once and leaves the work to the
// reader of events, since a delivery without an answer in time is sent again.
func receive(verifier *standardwebhooks.Webhook, events chan<- event) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil || verifier.Verify(body, r.Header) != nil {
			http.Error(w, "not signed by orak", http.StatusBadRequest)
			return
		}
		var e event
		if err := json.Unmarshal(body, &e); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		events <- e
		w.WriteHeader(http.StatusNoContent)
	}
}

// await waits for the end of an upload.
func await(ctx context.Context, events <-chan event, id string) error {
	for {
		select {
		case e := <-events:
			fmt.Println("webhook:", e.Type)
			switch {
			case e.Data.UploadID != id: // of another upload
			case e.Data.Status == "completed":
				return nil
			default:
				return fmt.Errorf("the upload is %s", e.Data.Status)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// upload sends a file. The key makes it safe to send it again if the answer is lost.
func (o orak) upload(ctx context.Context, path string) (upload, error) {
	file, err := os.Open(path)
	if err != nil {
		return upload{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return upload{}, err
	}
	req, err := o.request(ctx, http.MethodPost, "/v1/uploads?owner=user-17", file)
	if err != nil {
		return upload{}, err
	}
	req.ContentLength = info.Size()
	req.Header.Set("Idempotency-Key", fmt.Sprintf("%s-%d", info.Name(), info.ModTime().UnixNano()))
	var u upload
	return u, answer(req, &u)
}

// save saves the recording as it was analyzed: WAV, 16 kHz, mono.
func (o orak) save(ctx context.Context, path, to string) error {
	req, err := o.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return problem(resp)
	}
	file, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, resp.Body)
	return errors.Join(err, file.Close())
}

func (o orak) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, o.url+path, body)
	if err != nil {
		return nil, err
	}
	if o.key != "" {
		req.Header.Set("Authorization", "Bearer "+o.key)
	}
	return req, nil
}

// call sends JSON and reads the answer into into, unless that is nil.
func (o orak) call(ctx context.Context, method, path string, body, into any) error {
	var text io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		text = bytes.NewReader(encoded)
	}
	req, err := o.request(ctx, method, path, text)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	return answer(req, into)
}

func answer(req *http.Request, into any) error {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return problem(resp)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// problem reads an error of orak (RFC 9457).
func problem(resp *http.Response) error {
	var p struct{ Type, Title, Detail string }
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		return fmt.Errorf("orak answered %s", resp.Status)
	}
	return fmt.Errorf("orak answered %s: %s. %s (%s)", resp.Status, p.Title, p.Detail, p.Type)
}
