package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"orak/internal/analysis"
)

// printCurves writes the pitch curve of every WAV in a folder.
func printCurves(ctx context.Context, folder string, to io.Writer) error {
	files, err := fs.Glob(os.DirFS(folder), "*.wav") // sorted
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return errors.New("no *.wav in " + folder)
	}
	out := json.NewEncoder(to)
	for _, name := range files {
		wav, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return err
		}
		_, curve, err := analysis.New(analysis.Config{}).Analyze(ctx, bytes.NewReader(wav), nil)
		if err != nil {
			return fmt.Errorf("analyzing %s: %w", name, err)
		}
		line := struct {
			File string    `json:"file"`
			HopS float64   `json:"hop_s"`
			F0Hz []float32 `json:"f0_hz"`
		}{name, curve.HopS, curve.F0Hz}
		if err := out.Encode(line); err != nil {
			return err
		}
	}
	return nil
}
