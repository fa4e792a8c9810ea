-- A database of version 1 of the schema, with an upload. It never changes.
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
INSERT INTO uploads (id, tenant, filename, filename_folded, owner, kind, metadata, content_type, size, sha256, received_at, rank, status, stage, failure_stage, failure_class, failure_message, cycle, updated_at, analyzed, duration_s, key_tonic, key_mode, key_confidence, tempo_bpm, low_hz, high_hz, tessitura_low_hz, tessitura_high_hz, median_hz, voiced_ratio, centroid_hz, loudness_lufs, damage, engine_name, engine_version, embedding_name, embedding_version, embedding)
VALUES ('01930000-0000-7000-8000-000000000000', 'acme', 'Take 0.ogg', 'take 0.ogg', '', '', '', '', 1000, '00', 1793534400000000, 1000000, 'completed', '', '', '', '', 0, 1793538000000000, 1, 0, '', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', '', '', 'mfcc', '1', x'0000803f00000000');
PRAGMA user_version = 1;
