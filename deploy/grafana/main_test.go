package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestCommittedDashboardsAreWhatTheSourceMakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	made, committed := read(t, dir), read(t, "dashboards")
	for name, text := range made {
		if committed[name] != text {
			t.Errorf("dashboards/%s is not what the source makes; run: go run . in deploy/grafana", name)
		}
		delete(committed, name)
	}
	for name := range committed {
		t.Errorf("dashboards/%s is made by nothing", name)
	}
}

func TestPanelsHaveATitleOfTheirOwnAndQueries(t *testing.T) {
	t.Parallel()
	for _, p := range pages {
		var titles []string
		for _, r := range p.rows {
			for _, shown := range r.panels {
				if shown.title == "" || shown.unit == "" || len(shown.queries) == 0 || slices.Contains(titles, shown.title) {
					t.Errorf("%s: the panel %q lacks a title of its own, a unit or queries", p.uid, shown.title)
				}
				titles = append(titles, shown.title)
			}
		}
	}
}

func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(path)] = string(text)
	}
	return texts
}
