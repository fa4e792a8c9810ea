// Package lake writes the lifecycle of all uploads into Parquet files on the store,
// which DuckDB, Athena, Trino and Spark read (docs/lake.md), and keeps them few.
//
//	lake/v1/<table>/dt=YYYY-MM-DD/<topic>-<partition>-<first>.parquet                      by a writer
//	lake/v1/<table>/dt=YYYY-MM-DD/<topic>-<partition>-<first>-<last>-<generation>.parquet  compacted
//	lake/v1/erasures/<topic>-<partition>-<first>-<last>.json                               erased uploads
//
// # What it promises
//
// Every event that can be read is a row of the table lifecycle, in one file, through
// any crash and with any number of writers. An event that cannot be read is buried,
// and blocks nothing. While files are compacted, a row may be in a replaced file and
// in the one that replaces it: readers take one row of each (topic, partition,
// offset), and a replaced file stays for longer than any query.
//
// The rows of an erased upload are gone within a day.
//
// # How
//
// The files of a table, day and partition are a chain, in which the next name follows
// from the metadata of the file before, and a name can be put only once; see writer
// and docs/decisions/0025-lake.md.
package lake
