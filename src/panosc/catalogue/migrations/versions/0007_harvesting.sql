CREATE TABLE oai_record (
	id BIGINT NOT NULL,
	model TEXT COLLATE pg_c_utf8 NOT NULL CONSTRAINT oai_record_model_check CHECK (model in ('Dataset', 'Document')),
	pid TEXT COLLATE pg_c_utf8 NOT NULL,
	born TIMESTAMP WITH TIME ZONE NOT NULL,
	stamp TIMESTAMP WITH TIME ZONE NOT NULL,
	listed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
	was_listed BOOLEAN NOT NULL,
	sets TEXT[] COLLATE pg_c_utf8 NOT NULL,
	CONSTRAINT oai_record_pkey PRIMARY KEY (id)
);

CREATE INDEX oai_record_born_id_ix ON oai_record (born, id);

CREATE INDEX oai_record_stamp_id_ix ON oai_record (stamp, id);

CREATE INDEX oai_record_listed_at_id_ix ON oai_record (listed_at, id) WHERE listed_at > stamp;

CREATE INDEX oai_record_opened_at_id_ix ON oai_record (opened_at, id) WHERE opened_at > stamp;

CREATE INDEX oai_record_sets_ix ON oai_record USING gin (sets);
