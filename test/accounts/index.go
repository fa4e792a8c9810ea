package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"orak"
	"orak/api/resource"
)

// indexed lists the uploads of the tenant as an app would.
func (e *Reader) indexed(ctx context.Context) (map[orak.UploadID][]orak.Status, error) {
	found := map[orak.UploadID][]orak.Status{}
	for token := ""; ; {
		status, answer, err := e.app.Get(ctx, "/v1/uploads?page_size=100&page_token="+url.QueryEscape(token))
		switch {
		case err != nil:
			return nil, fmt.Errorf("listing the uploads: %w", err)
		case status != http.StatusOK:
			return nil, fmt.Errorf("listing the uploads: %d %s", status, answer)
		}
		var page resource.UploadPage
		if err := json.Unmarshal(answer, &page); err != nil {
			return nil, fmt.Errorf("listing the uploads: %w", err)
		}
		for _, u := range page.Uploads {
			found[u.ID] = append(found[u.ID], u.Status)
		}
		if token = page.Next; token == "" {
			return found, nil
		}
	}
}

// inIndex compares the index with the workflows.
func inIndex(want map[orak.UploadID]expected, s *Seen) Result {
	r := Result{Promise: "every upload is in the index once, with its last state, and none that was erased"}
	for id, w := range sorted(want) {
		found := s.indexed[id]
		if w.operate == Erase {
			r.Hold(len(found) == 0, "%s %s was erased, and is there as %v", id, w.name, found)
			continue
		}
		if len(s.Runs[id]) == 1 {
			last := s.Runs[id][0].Progress.Status
			r.Hold(len(found) == 1 && found[0] == last, "%s %s is there as %v, and is %s", id, w.name, found, last)
		}
	}
	for id := range s.indexed {
		if _, ok := want[id]; !ok {
			r.Hold(false, "%s is there, and was never announced", id)
		}
	}
	return r
}

// inIndexCompleted does not ask the workflows, which may be gone.
func inIndexCompleted(want map[orak.UploadID]expected, s *Seen) Result {
	r := Result{Promise: "every upload is in the index once, as completed"}
	for id, w := range sorted(want) {
		found := s.indexed[id]
		r.Hold(len(found) == 1 && found[0] == orak.StatusCompleted, "%s %s is there as %v", id, w.name, found)
	}
	return r
}
