-- A database of version 1 of the schema, with an upload. It never changes.
CREATE TABLE orak_schema (version integer NOT NULL);
INSERT INTO orak_schema VALUES (1);
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
INSERT INTO uploads (id, tenant, filename, filename_folded, owner, kind, metadata, content_type, size, sha256, received_at, rank, status, stage, failure_stage, failure_class, failure_message, cycle, updated_at, analyzed, duration_s, key_tonic, key_mode, key_confidence, tempo_bpm, low_hz, high_hz, tessitura_low_hz, tessitura_high_hz, median_hz, voiced_ratio, centroid_hz, loudness_lufs, damage, engine_name, engine_version, embedding_name, embedding_version, embedding)
VALUES ('01930000-0000-7000-8000-000000000000', 'acme', 'Take 0.ogg', 'take 0.ogg', '', '', '', '', 1000, '00', 1793534400000000, 1000000, 'completed', '', '', '', '', 0, 1793538000000000, 1, 0, '', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', '', '', 'mfcc', '1', '{1, 0}');
