package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"orak/sinks/index"
)

// migrations lead from each version of the schema to the next. They are only ever
// added. Texts compare by bytes (COLLATE "C"), as in Go. Vectors are real[], which
// needs no extension and is cast to vector by searches that use it.
var migrations = []string{`
CREATE TABLE uploads (
	id text COLLATE "C" PRIMARY KEY,
	tenant text COLLATE "C" NOT NULL,
	filename text NOT NULL,
	filename_folded text NOT NULL,
	owner text COLLATE "C" NOT NULL,
	kind text COLLATE "C" NOT NULL,
	metadata text NOT NULL,
	content_type text NOT NULL,
	size bigint NOT NULL,
	sha256 text NOT NULL,
	received_at bigint NOT NULL,
	rank integer NOT NULL,
	status text COLLATE "C" NOT NULL,
	stage text NOT NULL,
	failure_stage text NOT NULL,
	failure_class text NOT NULL,
	failure_message text NOT NULL,
	cycle bigint NOT NULL,
	updated_at bigint NOT NULL,
	analyzed smallint NOT NULL,
	duration_s double precision NOT NULL,
	key_tonic text NOT NULL,
	key_mode text NOT NULL,
	key_confidence double precision NOT NULL,
	tempo_bpm double precision NOT NULL,
	low_hz double precision NOT NULL,
	high_hz double precision NOT NULL,
	tessitura_low_hz double precision NOT NULL,
	tessitura_high_hz double precision NOT NULL,
	median_hz double precision NOT NULL,
	voiced_ratio double precision NOT NULL,
	centroid_hz double precision NOT NULL,
	loudness_lufs double precision NOT NULL,
	damage text NOT NULL,
	engine_name text NOT NULL,
	engine_version text NOT NULL,
	embedding_name text COLLATE "C" NOT NULL,
	embedding_version text COLLATE "C" NOT NULL,
	embedding real[]
);
CREATE INDEX uploads_received ON uploads (tenant, received_at, id) WHERE status <> 'erased';
CREATE INDEX uploads_status ON uploads (tenant, status, received_at, id) WHERE status <> 'erased';
CREATE INDEX uploads_owner ON uploads (tenant, owner, received_at, id) WHERE owner <> '';
CREATE INDEX uploads_embedding ON uploads (tenant, kind, embedding_name, embedding_version) WHERE embedding IS NOT NULL;
CREATE TABLE songs (
	tenant text COLLATE "C" NOT NULL,
	id text COLLATE "C" NOT NULL,
	title text NOT NULL,
	artist text NOT NULL,
	low_note integer NOT NULL,
	high_note integer NOT NULL,
	key_tonic text NOT NULL,
	key_mode text NOT NULL,
	key_confidence double precision NOT NULL,
	tempo_bpm double precision NOT NULL,
	reference_upload text NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE TABLE offsets (
	topic text COLLATE "C" NOT NULL,
	partition integer NOT NULL,
	next bigint NOT NULL,
	PRIMARY KEY (topic, partition)
);
CREATE TABLE meta (name text PRIMARY KEY, value text NOT NULL);
INSERT INTO meta VALUES ('restore', '');
`,
	// changed is the transaction that wrote a row last; see vectors. Rows from before have
	// 0, which rewrites nothing and is right: no process has vectors of them in memory. A
	// trigger sets it, so that processes of the earlier version may still write.
	`
ALTER TABLE uploads ADD COLUMN changed xid8 NOT NULL DEFAULT '0';
ALTER TABLE uploads ALTER COLUMN changed SET DEFAULT pg_current_xact_id();
CREATE FUNCTION uploads_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.changed := pg_current_xact_id();
	RETURN NEW;
END $$;
CREATE TRIGGER uploads_changed BEFORE UPDATE ON uploads FOR EACH ROW EXECUTE FUNCTION uploads_changed();
CREATE INDEX uploads_changed ON uploads (tenant, changed);
`,
	// Producers choose ids, so two tenants may have the same one: neither hides the
	// other's. Processes of the earlier version wait to write until they are replaced.
	`
ALTER TABLE uploads DROP CONSTRAINT uploads_pkey, ADD PRIMARY KEY (id, tenant);
`,
	// Acts have no state, and no uploads: they stay when an upload is erased.
	`
CREATE TABLE acts (
	id text COLLATE "C" PRIMARY KEY,
	at bigint NOT NULL,
	act text COLLATE "C" NOT NULL,
	actor text COLLATE "C" NOT NULL,
	tenant text COLLATE "C" NOT NULL,
	subject text COLLATE "C" NOT NULL,
	detail text NOT NULL
);
CREATE INDEX acts_at ON acts (at, id);
CREATE INDEX acts_tenant ON acts (tenant, at, id);
CREATE INDEX acts_subject ON acts (subject, at, id);
`,
}

// migrationLock is held while the schema is brought up to date, so that processes that
// start together do it once.
const migrationLock = 0x6f72616b // "orak"

// migrate brings the schema up to date.
func (s *Store) migrate(ctx context.Context) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", migrationLock); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "CREATE TABLE IF NOT EXISTS orak_schema (version integer NOT NULL)"); err != nil {
			return err
		}
		var version int
		if err := tx.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM orak_schema").Scan(&version); err != nil {
			return err
		}
		if version > len(migrations) {
			return index.ErrNewerSchema
		}
		for ; version < len(migrations); version++ {
			if _, err := tx.Exec(ctx, migrations[version]); err != nil {
				return fmt.Errorf("migrating to version %d of the schema: %w", version+1, err)
			}
			if _, err := tx.Exec(ctx, "INSERT INTO orak_schema VALUES ($1)", version+1); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.findExtension(ctx)
}

// findExtension makes the extension if the database may, and notes whether it is there.
func (s *Store) findExtension(ctx context.Context) error {
	const there = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector')"
	if err := s.pool.QueryRow(ctx, there).Scan(&s.pgvector); err != nil || s.pgvector {
		return err
	}
	// It may be missing on the server, or be the administrator's to make: then
	// searches do without.
	_, refused := s.pool.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS vector")
	if ctx.Err() != nil {
		return refused
	}
	return s.pool.QueryRow(ctx, there).Scan(&s.pgvector)
}
