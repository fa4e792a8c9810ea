package client_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"

	"orak"
	"orak/api/resource"
)

const exampleID orak.UploadID = "01890a5d-ac96-774b-bcce-b302099a8057"

// exampleAPI answers the requests of the examples as the API does.
func exampleAPI() http.Handler {
	path := "/v1/uploads/" + string(exampleID)
	links := resource.Links{Self: path, Analysis: path + "/analysis", Events: path + "/events"}
	upload := func(status orak.Status, stage orak.Stage) resource.Upload {
		return resource.Upload{ID: exampleID, Status: status, Stage: stage, Links: links}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/uploads", func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		size, _ := io.Copy(sum, r.Body)
		answer(w, http.StatusAccepted, resource.Accepted{ID: exampleID, Status: orak.StatusQueued, Size: size, SHA256: hex.EncodeToString(sum.Sum(nil)), Links: links})
	})
	mux.HandleFunc("GET "+links.Self, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, upload(orak.StatusQueued, ""))
	})
	mux.HandleFunc("GET "+links.Events, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for name, u := range []resource.Upload{upload(orak.StatusConverting, orak.StageConvert), upload(orak.StatusCompleted, "")} {
			text, _ := json.Marshal(u)
			fmt.Fprintf(w, "id: %d\nevent: upload\ndata: %s\n\n", name, text)
		}
	})
	mux.HandleFunc("GET /v1/dead-letters", func(w http.ResponseWriter, _ *http.Request) {
		failure := resource.Failure{Stage: orak.StageAnalyze, Class: orak.ClassModel, Message: "The model server answered with no windows."}
		answer(w, http.StatusOK, resource.DeadLetterPage{DeadLetters: []resource.DeadLetter{{ID: exampleID, Tenant: "choir", Failure: failure}}})
	})
	mux.HandleFunc("POST /v1/dead-letters/{id}/reprocess", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusAccepted, upload(orak.StatusAnalyzing, orak.StageAnalyze))
	})
	return mux
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// exampleRecording writes a file to upload.
func exampleRecording() (path string, remove func()) {
	dir, err := os.MkdirTemp("", "orak-example-*")
	if err != nil {
		log.Fatal(err)
	}
	path = filepath.Join(dir, "take 1.wav")
	if err := os.WriteFile(path, []byte("RIFF…"), 0o600); err != nil {
		log.Fatal(err)
	}
	return path, func() { _ = os.RemoveAll(dir) }
}
