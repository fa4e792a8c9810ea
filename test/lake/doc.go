// Package lake asks DuckDB what is in the lake, over the store's own HTTP API, while the
// writers and the compaction are killed; and runs the SQL of docs/lake.md.
// `go tool task test:lake` installs DuckDB and runs it.
package lake
