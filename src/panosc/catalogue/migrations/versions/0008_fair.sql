CREATE TABLE fair (
	dataset_id BIGINT NOT NULL,
	score SMALLINT NOT NULL,
	missing TEXT[] COLLATE pg_c_utf8 NOT NULL,
	CONSTRAINT fair_pkey PRIMARY KEY (dataset_id)
);

CREATE INDEX fair_missing_ix ON fair USING gin (missing);

CREATE INDEX fair_score_dataset_id_ix ON fair (score, dataset_id);

CREATE TABLE plan (
	document TEXT COLLATE pg_c_utf8 NOT NULL,
	content JSONB NOT NULL,
	version INTEGER NOT NULL,
	by TEXT COLLATE pg_c_utf8 NOT NULL,
	changed TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT plan_pkey PRIMARY KEY (document)
);
