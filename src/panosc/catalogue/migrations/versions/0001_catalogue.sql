CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE SEQUENCE changes_number;

CREATE TABLE affiliation (
	id BIGINT NOT NULL,
	key TEXT COLLATE pg_c_utf8 NOT NULL,
	name TEXT COLLATE pg_c_utf8,
	address TEXT COLLATE pg_c_utf8,
	city TEXT COLLATE pg_c_utf8,
	country TEXT COLLATE pg_c_utf8,
	extra JSONB,
	created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	changed TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT affiliation_pkey PRIMARY KEY (id),
	CONSTRAINT affiliation_key_key UNIQUE (key)
);

CREATE TABLE changes (
	number BIGINT NOT NULL,
	model TEXT COLLATE pg_c_utf8 NOT NULL,
	pid TEXT COLLATE pg_c_utf8 NOT NULL,
	deleted BOOLEAN DEFAULT false NOT NULL,
	at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT changes_pkey PRIMARY KEY (number)
);

CREATE TABLE document (
	id BIGINT NOT NULL,
	pid TEXT COLLATE pg_c_utf8 NOT NULL,
	is_public BOOLEAN,
	type TEXT COLLATE pg_c_utf8,
	title TEXT COLLATE pg_c_utf8,
	summary TEXT COLLATE pg_c_utf8,
	doi TEXT COLLATE pg_c_utf8,
	start_date TIMESTAMP WITH TIME ZONE,
	end_date TIMESTAMP WITH TIME ZONE,
	release_date TIMESTAMP WITH TIME ZONE,
	license TEXT COLLATE pg_c_utf8,
	keywords TEXT[] COLLATE pg_c_utf8,
	access TEXT COLLATE pg_c_utf8,
	embargo_until TIMESTAMP WITH TIME ZONE,
	owner_group TEXT COLLATE pg_c_utf8,
	source TEXT COLLATE pg_c_utf8,
	mark TEXT COLLATE pg_c_utf8 DEFAULT 'normal' NOT NULL CONSTRAINT document_mark_check CHECK (mark in ('normal', 'withdrawn', 'erased')),
	mark_reason TEXT COLLATE pg_c_utf8,
	core_at TIMESTAMP WITH TIME ZONE NOT NULL,
	open_at TIMESTAMP WITH TIME ZONE NOT NULL,
	extra JSONB,
	created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	changed TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT document_pkey PRIMARY KEY (id),
	CONSTRAINT document_pid_key UNIQUE (pid)
);

CREATE INDEX document_summary_trgm_ix ON document USING gin (summary gin_trgm_ops);

CREATE INDEX document_title_trgm_ix ON document USING gin (title gin_trgm_ops);

CREATE TABLE follower (
	name TEXT COLLATE pg_c_utf8 NOT NULL,
	done BIGINT NOT NULL,
	at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT follower_pkey PRIMARY KEY (name)
);

CREATE TABLE "group" (
	name TEXT COLLATE pg_c_utf8 NOT NULL,
	extra JSONB,
	CONSTRAINT group_pkey PRIMARY KEY (name)
);

CREATE TABLE group_member (
	"group" TEXT COLLATE pg_c_utf8 NOT NULL,
	person TEXT COLLATE pg_c_utf8 NOT NULL,
	role TEXT COLLATE pg_c_utf8,
	until TIMESTAMP WITH TIME ZONE,
	CONSTRAINT group_member_pkey PRIMARY KEY ("group", person)
);

CREATE TABLE instrument (
	id BIGINT NOT NULL,
	pid TEXT COLLATE pg_c_utf8 NOT NULL,
	name TEXT COLLATE pg_c_utf8,
	facility TEXT COLLATE pg_c_utf8,
	source TEXT COLLATE pg_c_utf8,
	extra JSONB,
	created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	changed TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT instrument_pkey PRIMARY KEY (id),
	CONSTRAINT instrument_pid_key UNIQUE (pid)
);

CREATE TABLE person (
	id BIGINT NOT NULL,
	key TEXT COLLATE pg_c_utf8 NOT NULL,
	full_name TEXT COLLATE pg_c_utf8,
	orcid TEXT COLLATE pg_c_utf8,
	researcher_id TEXT COLLATE pg_c_utf8,
	first_name TEXT COLLATE pg_c_utf8,
	last_name TEXT COLLATE pg_c_utf8,
	extra JSONB,
	created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	changed TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT person_pkey PRIMARY KEY (id),
	CONSTRAINT person_key_key UNIQUE (key)
);

CREATE TABLE quarantine (
	url TEXT COLLATE pg_c_utf8 NOT NULL,
	reason TEXT COLLATE pg_c_utf8 NOT NULL,
	detail TEXT COLLATE pg_c_utf8 NOT NULL,
	size BIGINT NOT NULL,
	mtime_ns BIGINT NOT NULL,
	seen TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT quarantine_pkey PRIMARY KEY (url)
);

CREATE TABLE sample (
	id BIGINT NOT NULL,
	pid TEXT COLLATE pg_c_utf8 NOT NULL,
	name TEXT COLLATE pg_c_utf8,
	description TEXT COLLATE pg_c_utf8,
	extra JSONB,
	created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	changed TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT sample_pkey PRIMARY KEY (id),
	CONSTRAINT sample_pid_key UNIQUE (pid)
);

CREATE INDEX sample_name_trgm_ix ON sample USING gin (name gin_trgm_ops);

CREATE TABLE technique (
	id BIGINT NOT NULL,
	pid TEXT COLLATE pg_c_utf8 NOT NULL,
	name TEXT COLLATE pg_c_utf8,
	panet_id TEXT COLLATE pg_c_utf8,
	extra JSONB,
	created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	changed TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT technique_pkey PRIMARY KEY (id),
	CONSTRAINT technique_pid_key UNIQUE (pid)
);

CREATE INDEX technique_panet_id_ix ON technique (panet_id);

CREATE TABLE dataset (
	id BIGINT NOT NULL,
	pid TEXT COLLATE pg_c_utf8 NOT NULL,
	title TEXT COLLATE pg_c_utf8,
	is_public BOOLEAN,
	creation_date TIMESTAMP WITH TIME ZONE,
	size BIGINT,
	instrument_id BIGINT,
	kind TEXT COLLATE pg_c_utf8,
	description TEXT COLLATE pg_c_utf8,
	end_date TIMESTAMP WITH TIME ZONE,
	release_date TIMESTAMP WITH TIME ZONE,
	license TEXT COLLATE pg_c_utf8,
	definition TEXT COLLATE pg_c_utf8,
	new_version_of TEXT COLLATE pg_c_utf8,
	default_plot TEXT COLLATE pg_c_utf8,
	access TEXT COLLATE pg_c_utf8,
	embargo_until TIMESTAMP WITH TIME ZONE,
	owner_group TEXT COLLATE pg_c_utf8,
	source TEXT COLLATE pg_c_utf8,
	mark TEXT COLLATE pg_c_utf8 DEFAULT 'normal' NOT NULL CONSTRAINT dataset_mark_check CHECK (mark in ('normal', 'withdrawn', 'erased')),
	mark_reason TEXT COLLATE pg_c_utf8,
	core_at TIMESTAMP WITH TIME ZONE NOT NULL,
	open_at TIMESTAMP WITH TIME ZONE NOT NULL,
	extra JSONB,
	created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	changed TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT dataset_pkey PRIMARY KEY (id),
	CONSTRAINT dataset_pid_key UNIQUE (pid),
	CONSTRAINT dataset_instrument_id_fkey FOREIGN KEY(instrument_id) REFERENCES instrument (id)
);

CREATE INDEX dataset_description_trgm_ix ON dataset USING gin (description gin_trgm_ops);

CREATE INDEX dataset_instrument_id_ix ON dataset (instrument_id);

CREATE INDEX dataset_newest_ix ON dataset (creation_date DESC NULLS LAST);

CREATE INDEX dataset_title_trgm_ix ON dataset USING gin (title gin_trgm_ops);

CREATE TABLE dataset_sample (
	dataset_id BIGINT NOT NULL,
	sample_id BIGINT NOT NULL,
	key TEXT COLLATE pg_c_utf8,
	CONSTRAINT dataset_sample_pkey PRIMARY KEY (dataset_id, sample_id),
	CONSTRAINT dataset_sample_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE,
	CONSTRAINT dataset_sample_sample_id_fkey FOREIGN KEY(sample_id) REFERENCES sample (id) ON DELETE CASCADE
);

CREATE INDEX dataset_sample_sample_id_dataset_id_ix ON dataset_sample (sample_id, dataset_id);

CREATE TABLE dataset_technique (
	dataset_id BIGINT NOT NULL,
	technique_id BIGINT NOT NULL,
	key TEXT COLLATE pg_c_utf8,
	CONSTRAINT dataset_technique_pkey PRIMARY KEY (dataset_id, technique_id),
	CONSTRAINT dataset_technique_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE,
	CONSTRAINT dataset_technique_technique_id_fkey FOREIGN KEY(technique_id) REFERENCES technique (id) ON DELETE CASCADE
);

CREATE INDEX dataset_technique_technique_id_dataset_id_ix ON dataset_technique (technique_id, dataset_id);

CREATE TABLE document_dataset (
	document_id BIGINT NOT NULL,
	dataset_id BIGINT NOT NULL,
	key TEXT COLLATE pg_c_utf8,
	CONSTRAINT document_dataset_pkey PRIMARY KEY (document_id, dataset_id),
	CONSTRAINT document_dataset_document_id_fkey FOREIGN KEY(document_id) REFERENCES document (id) ON DELETE CASCADE,
	CONSTRAINT document_dataset_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE
);

CREATE INDEX document_dataset_dataset_id_document_id_ix ON document_dataset (dataset_id, document_id);

CREATE TABLE file (
	id BIGINT GENERATED BY DEFAULT AS IDENTITY,
	key TEXT COLLATE pg_c_utf8,
	name TEXT COLLATE pg_c_utf8 NOT NULL,
	path TEXT COLLATE pg_c_utf8,
	size BIGINT,
	sha256 TEXT COLLATE pg_c_utf8,
	format TEXT COLLATE pg_c_utf8,
	dataset_id BIGINT NOT NULL,
	extra JSONB,
	CONSTRAINT file_pkey PRIMARY KEY (id),
	CONSTRAINT file_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE
);

CREATE INDEX file_dataset_id_ix ON file (dataset_id);

CREATE TABLE location (
	url TEXT COLLATE pg_c_utf8 NOT NULL,
	dataset_id BIGINT NOT NULL,
	name TEXT COLLATE pg_c_utf8 NOT NULL,
	size BIGINT NOT NULL,
	mtime_ns BIGINT NOT NULL,
	tier TEXT COLLATE pg_c_utf8 DEFAULT 'online' NOT NULL CONSTRAINT location_tier_check CHECK (tier in ('online', 'nearline', 'removed')),
	CONSTRAINT location_pkey PRIMARY KEY (url),
	CONSTRAINT location_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE
);

CREATE INDEX location_dataset_id_ix ON location (dataset_id);

CREATE TABLE member (
	id BIGINT GENERATED BY DEFAULT AS IDENTITY,
	key TEXT COLLATE pg_c_utf8,
	role TEXT COLLATE pg_c_utf8,
	document_id BIGINT,
	dataset_id BIGINT,
	person_id BIGINT,
	affiliation_id BIGINT,
	extra JSONB,
	CONSTRAINT member_pkey PRIMARY KEY (id),
	CONSTRAINT member_document_id_fkey FOREIGN KEY(document_id) REFERENCES document (id) ON DELETE CASCADE,
	CONSTRAINT member_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE,
	CONSTRAINT member_person_id_fkey FOREIGN KEY(person_id) REFERENCES person (id) ON DELETE CASCADE,
	CONSTRAINT member_affiliation_id_fkey FOREIGN KEY(affiliation_id) REFERENCES affiliation (id) ON DELETE CASCADE
);

CREATE INDEX member_affiliation_id_ix ON member (affiliation_id);

CREATE INDEX member_dataset_id_ix ON member (dataset_id);

CREATE INDEX member_document_id_ix ON member (document_id);

CREATE INDEX member_person_id_ix ON member (person_id);

CREATE TABLE parameter (
	id BIGINT GENERATED BY DEFAULT AS IDENTITY,
	key TEXT COLLATE pg_c_utf8,
	name TEXT COLLATE pg_c_utf8 NOT NULL,
	value_number DOUBLE PRECISION,
	value_text TEXT COLLATE pg_c_utf8,
	unit TEXT COLLATE pg_c_utf8,
	si_value DOUBLE PRECISION,
	si_unit TEXT COLLATE pg_c_utf8,
	path TEXT COLLATE pg_c_utf8,
	dataset_id BIGINT,
	document_id BIGINT,
	extra JSONB,
	CONSTRAINT parameter_pkey PRIMARY KEY (id),
	CONSTRAINT parameter_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE,
	CONSTRAINT parameter_document_id_fkey FOREIGN KEY(document_id) REFERENCES document (id) ON DELETE CASCADE
);

CREATE INDEX parameter_dataset_id_ix ON parameter (dataset_id);

CREATE INDEX parameter_document_id_ix ON parameter (document_id) WHERE document_id is not null;

CREATE INDEX parameter_name_si_value_ix ON parameter (name, si_value);

CREATE INDEX parameter_name_value_number_ix ON parameter (name, value_number);

CREATE TABLE plot (
	dataset_id BIGINT NOT NULL,
	content JSONB NOT NULL,
	CONSTRAINT plot_pkey PRIMARY KEY (dataset_id),
	CONSTRAINT plot_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE
);
