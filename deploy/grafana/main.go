package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := write("dashboards"); err != nil {
		fmt.Fprintln(os.Stderr, "grafana:", err)
		os.Exit(1)
	}
}

// write writes each dashboard into a file of its own.
func write(dir string) error {
	for _, p := range pages {
		built, err := p.build()
		if err != nil {
			return fmt.Errorf("building %s: %w", p.uid, err)
		}
		text, err := json.MarshalIndent(built, "", "  ")
		if err != nil {
			return fmt.Errorf("encoding %s: %w", p.uid, err)
		}
		if err := os.WriteFile(filepath.Join(dir, p.uid+".json"), append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	return nil
}
