package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"orak/sinks/index"
)

// migrations lead from each version of the schema to the next. They are only ever
// added.
var migrations = []string{`
CREATE TABLE uploads (
	id TEXT PRIMARY KEY,
	tenant TEXT NOT NULL,
	filename TEXT NOT NULL,
	filename_folded TEXT NOT NULL,
	owner TEXT NOT NULL,
	kind TEXT NOT NULL,
	metadata TEXT NOT NULL,
	content_type TEXT NOT NULL,
	size INTEGER NOT NULL,
	sha256 TEXT NOT NULL,
	received_at INTEGER NOT NULL,
	rank INTEGER NOT NULL,
	status TEXT NOT NULL,
	stage TEXT NOT NULL,
	failure_stage TEXT NOT NULL,
	failure_class TEXT NOT NULL,
	failure_message TEXT NOT NULL,
	cycle INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	analyzed INTEGER NOT NULL,
	duration_s REAL NOT NULL,
	key_tonic TEXT NOT NULL,
	key_mode TEXT NOT NULL,
	key_confidence REAL NOT NULL,
	tempo_bpm REAL NOT NULL,
	low_hz REAL NOT NULL,
	high_hz REAL NOT NULL,
	tessitura_low_hz REAL NOT NULL,
	tessitura_high_hz REAL NOT NULL,
	median_hz REAL NOT NULL,
	voiced_ratio REAL NOT NULL,
	centroid_hz REAL NOT NULL,
	loudness_lufs REAL NOT NULL,
	damage TEXT NOT NULL,
	engine_name TEXT NOT NULL,
	engine_version TEXT NOT NULL,
	embedding_name TEXT NOT NULL,
	embedding_version TEXT NOT NULL,
	embedding BLOB
) STRICT;
CREATE INDEX uploads_received ON uploads (tenant, received_at, id) WHERE status <> 'erased';
CREATE INDEX uploads_status ON uploads (tenant, status, received_at, id) WHERE status <> 'erased';
CREATE INDEX uploads_owner ON uploads (tenant, owner, received_at, id) WHERE owner <> '';
CREATE INDEX uploads_embedding ON uploads (tenant, kind, embedding_name, embedding_version) WHERE embedding IS NOT NULL;
CREATE TABLE songs (
	tenant TEXT NOT NULL,
	id TEXT NOT NULL,
	title TEXT NOT NULL,
	artist TEXT NOT NULL,
	low_note INTEGER NOT NULL,
	high_note INTEGER NOT NULL,
	key_tonic TEXT NOT NULL,
	key_mode TEXT NOT NULL,
	key_confidence REAL NOT NULL,
	tempo_bpm REAL NOT NULL,
	reference_upload TEXT NOT NULL,
	PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE offsets (
	topic TEXT NOT NULL,
	partition INTEGER NOT NULL,
	next INTEGER NOT NULL,
	PRIMARY KEY (topic, partition)
) STRICT, WITHOUT ROWID;
-- writes counts the transactions that changed vectors.
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('writes', '0'), ('restore', '');
`,
	// Producers choose ids, so two tenants may have the same one: neither hides the
	// other's. SQLite changes a primary key only with a new table.
	`
ALTER TABLE uploads RENAME TO uploads_1;
CREATE TABLE uploads (
	id TEXT NOT NULL,
	tenant TEXT NOT NULL,
	filename TEXT NOT NULL,
	filename_folded TEXT NOT NULL,
	owner TEXT NOT NULL,
	kind TEXT NOT NULL,
	metadata TEXT NOT NULL,
	content_type TEXT NOT NULL,
	size INTEGER NOT NULL,
	sha256 TEXT NOT NULL,
	received_at INTEGER NOT NULL,
	rank INTEGER NOT NULL,
	status TEXT NOT NULL,
	stage TEXT NOT NULL,
	failure_stage TEXT NOT NULL,
	failure_class TEXT NOT NULL,
	failure_message TEXT NOT NULL,
	cycle INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	analyzed INTEGER NOT NULL,
	duration_s REAL NOT NULL,
	key_tonic TEXT NOT NULL,
	key_mode TEXT NOT NULL,
	key_confidence REAL NOT NULL,
	tempo_bpm REAL NOT NULL,
	low_hz REAL NOT NULL,
	high_hz REAL NOT NULL,
	tessitura_low_hz REAL NOT NULL,
	tessitura_high_hz REAL NOT NULL,
	median_hz REAL NOT NULL,
	voiced_ratio REAL NOT NULL,
	centroid_hz REAL NOT NULL,
	loudness_lufs REAL NOT NULL,
	damage TEXT NOT NULL,
	engine_name TEXT NOT NULL,
	engine_version TEXT NOT NULL,
	embedding_name TEXT NOT NULL,
	embedding_version TEXT NOT NULL,
	embedding BLOB,
	PRIMARY KEY (id, tenant)
) STRICT;
INSERT INTO uploads SELECT * FROM uploads_1;
DROP TABLE uploads_1;
CREATE INDEX uploads_received ON uploads (tenant, received_at, id) WHERE status <> 'erased';
CREATE INDEX uploads_status ON uploads (tenant, status, received_at, id) WHERE status <> 'erased';
CREATE INDEX uploads_owner ON uploads (tenant, owner, received_at, id) WHERE owner <> '';
CREATE INDEX uploads_embedding ON uploads (tenant, kind, embedding_name, embedding_version) WHERE embedding IS NOT NULL;
`,
	// Acts have no state, and no uploads: they stay when an upload is erased.
	`
CREATE TABLE acts (
	id TEXT PRIMARY KEY,
	at INTEGER NOT NULL,
	act TEXT NOT NULL,
	actor TEXT NOT NULL,
	tenant TEXT NOT NULL,
	subject TEXT NOT NULL,
	detail TEXT NOT NULL
) STRICT;
CREATE INDEX acts_at ON acts (at, id);
CREATE INDEX acts_tenant ON acts (tenant, at, id);
CREATE INDEX acts_subject ON acts (subject, at, id);
`,
}

// migrate brings the schema up to date.
func (s *Store) migrate(ctx context.Context) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		var version int
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		if version > len(migrations) {
			return index.ErrNewerSchema
		}
		for ; version < len(migrations); version++ {
			if _, err := tx.ExecContext(ctx, migrations[version]); err != nil {
				return fmt.Errorf("migrating to version %d of the schema: %w", version+1, err)
			}
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
		return err
	})
}
