CREATE TABLE account (
	id TEXT COLLATE pg_c_utf8 NOT NULL,
	kind TEXT COLLATE pg_c_utf8 NOT NULL CONSTRAINT account_kind_check CHECK (kind in ('person', 'service')),
	name TEXT COLLATE pg_c_utf8,
	email TEXT COLLATE pg_c_utf8,
	orcid TEXT COLLATE pg_c_utf8,
	user_class TEXT COLLATE pg_c_utf8,
	instrument TEXT COLLATE pg_c_utf8,
	terms TEXT COLLATE pg_c_utf8,
	terms_at TIMESTAMP WITH TIME ZONE,
	locked_at TIMESTAMP WITH TIME ZONE,
	erased_at TIMESTAMP WITH TIME ZONE,
	created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	seen TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT account_pkey PRIMARY KEY (id)
);

CREATE TABLE alias (
	name TEXT COLLATE pg_c_utf8 NOT NULL,
	person TEXT COLLATE pg_c_utf8 NOT NULL,
	CONSTRAINT alias_pkey PRIMARY KEY (name)
);

CREATE INDEX alias_person_ix ON alias (person);

CREATE TABLE attempt (
	state BYTEA NOT NULL,
	browser BYTEA NOT NULL,
	provider TEXT COLLATE pg_c_utf8 NOT NULL,
	nonce TEXT COLLATE pg_c_utf8 NOT NULL,
	verifier TEXT COLLATE pg_c_utf8 NOT NULL,
	back TEXT COLLATE pg_c_utf8 NOT NULL,
	account TEXT COLLATE pg_c_utf8,
	expires TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT attempt_pkey PRIMARY KEY (state)
);

CREATE TABLE audit (
	number BIGINT GENERATED ALWAYS AS IDENTITY,
	at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	person TEXT COLLATE pg_c_utf8,
	via TEXT COLLATE pg_c_utf8,
	event TEXT COLLATE pg_c_utf8 NOT NULL,
	subject TEXT COLLATE pg_c_utf8,
	reason TEXT COLLATE pg_c_utf8,
	detail JSONB DEFAULT '{}'::jsonb NOT NULL,
	CONSTRAINT audit_pkey PRIMARY KEY (number)
);

CREATE INDEX audit_at_ix ON audit (at);

CREATE INDEX audit_person_ix ON audit (person);

CREATE INDEX audit_subject_ix ON audit (subject);

CREATE TABLE petition (
	id TEXT COLLATE pg_c_utf8 NOT NULL,
	kind TEXT COLLATE pg_c_utf8 NOT NULL CONSTRAINT petition_kind_check CHECK (kind in ('access', 'extension', 'erasure')),
	dataset_id BIGINT NOT NULL,
	pid TEXT COLLATE pg_c_utf8 NOT NULL,
	account TEXT COLLATE pg_c_utf8 NOT NULL,
	text TEXT COLLATE pg_c_utf8 NOT NULL,
	years INTEGER,
	act TEXT COLLATE pg_c_utf8,
	at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	state TEXT COLLATE pg_c_utf8 NOT NULL CONSTRAINT petition_state_check CHECK (state in ('open', 'granted', 'refused', 'taken back')),
	answer TEXT COLLATE pg_c_utf8,
	answered_by TEXT COLLATE pg_c_utf8,
	answered_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT petition_pkey PRIMARY KEY (id)
);

CREATE INDEX petition_account_ix ON petition (account);

CREATE INDEX petition_dataset_id_ix ON petition (dataset_id);

CREATE TABLE policy_version (
	name TEXT COLLATE pg_c_utf8 NOT NULL,
	document JSONB NOT NULL,
	hash BYTEA NOT NULL,
	added TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT policy_version_pkey PRIMARY KEY (name)
);

CREATE TABLE ruling (
	dataset_id BIGINT NOT NULL,
	policy TEXT COLLATE pg_c_utf8,
	policy_core TIMESTAMP WITH TIME ZONE,
	policy_opens TIMESTAMP WITH TIME ZONE,
	extended_years INTEGER DEFAULT 0 NOT NULL,
	released_at TIMESTAMP WITH TIME ZONE,
	mark TEXT COLLATE pg_c_utf8,
	mark_reason TEXT COLLATE pg_c_utf8,
	CONSTRAINT ruling_pkey PRIMARY KEY (dataset_id)
);

CREATE TABLE share (
	id TEXT COLLATE pg_c_utf8 NOT NULL,
	dataset_id BIGINT NOT NULL,
	reader TEXT COLLATE pg_c_utf8 NOT NULL,
	until TIMESTAMP WITH TIME ZONE,
	note TEXT COLLATE pg_c_utf8,
	by TEXT COLLATE pg_c_utf8 NOT NULL,
	at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT share_pkey PRIMARY KEY (id),
	CONSTRAINT share_dataset_id_reader_key UNIQUE (dataset_id, reader)
);

CREATE INDEX share_reader_ix ON share (reader);

CREATE TABLE spent (
	name TEXT COLLATE pg_c_utf8 NOT NULL,
	expires TIMESTAMP WITH TIME ZONE NOT NULL,
	CONSTRAINT spent_pkey PRIMARY KEY (name)
);

CREATE TABLE usage (
	subject TEXT COLLATE pg_c_utf8 NOT NULL,
	day DATE NOT NULL,
	requests BIGINT DEFAULT 0 NOT NULL,
	bytes BIGINT DEFAULT 0 NOT NULL,
	CONSTRAINT usage_pkey PRIMARY KEY (subject, day)
);

CREATE TABLE device (
	code BYTEA NOT NULL,
	user_code TEXT COLLATE pg_c_utf8 NOT NULL,
	scopes TEXT[] COLLATE pg_c_utf8 DEFAULT '{}' NOT NULL,
	name TEXT COLLATE pg_c_utf8,
	account TEXT COLLATE pg_c_utf8,
	answer TEXT COLLATE pg_c_utf8,
	expires TIMESTAMP WITH TIME ZONE NOT NULL,
	polled TIMESTAMP WITH TIME ZONE,
	CONSTRAINT device_pkey PRIMARY KEY (code),
	CONSTRAINT device_user_code_key UNIQUE (user_code),
	CONSTRAINT device_account_fkey FOREIGN KEY(account) REFERENCES account (id) ON DELETE CASCADE
);

CREATE TABLE identity (
	iss TEXT COLLATE pg_c_utf8 NOT NULL,
	sub TEXT COLLATE pg_c_utf8 NOT NULL,
	account TEXT COLLATE pg_c_utf8 NOT NULL,
	claims JSONB DEFAULT '{}'::jsonb NOT NULL,
	linked TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	seen TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT identity_pkey PRIMARY KEY (iss, sub),
	CONSTRAINT identity_account_fkey FOREIGN KEY(account) REFERENCES account (id) ON DELETE CASCADE
);

CREATE INDEX identity_account_ix ON identity (account);

CREATE TABLE session (
	id BYTEA NOT NULL,
	handle TEXT COLLATE pg_c_utf8 NOT NULL,
	account TEXT COLLATE pg_c_utf8 NOT NULL,
	provider TEXT COLLATE pg_c_utf8 NOT NULL,
	iss TEXT COLLATE pg_c_utf8 NOT NULL,
	sub TEXT COLLATE pg_c_utf8 NOT NULL,
	sid TEXT COLLATE pg_c_utf8,
	agent TEXT COLLATE pg_c_utf8,
	sealed TEXT COLLATE pg_c_utf8,
	created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	seen TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	expires TIMESTAMP WITH TIME ZONE NOT NULL,
	refresh_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT session_pkey PRIMARY KEY (id),
	CONSTRAINT session_account_fkey FOREIGN KEY(account) REFERENCES account (id) ON DELETE CASCADE
);

CREATE INDEX session_account_ix ON session (account);

CREATE INDEX session_iss_sid_ix ON session (iss, sid);

CREATE INDEX session_iss_sub_ix ON session (iss, sub);

CREATE TABLE token (
	id TEXT COLLATE pg_c_utf8 NOT NULL,
	kind TEXT COLLATE pg_c_utf8 NOT NULL CONSTRAINT token_kind_check CHECK (kind in ('personal', 'access', 'refresh')),
	hash BYTEA NOT NULL,
	account TEXT COLLATE pg_c_utf8 NOT NULL,
	name TEXT COLLATE pg_c_utf8,
	scopes TEXT[] COLLATE pg_c_utf8 DEFAULT '{}' NOT NULL,
	family TEXT COLLATE pg_c_utf8,
	created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	expires TIMESTAMP WITH TIME ZONE NOT NULL,
	used TIMESTAMP WITH TIME ZONE,
	revoked TIMESTAMP WITH TIME ZONE,
	CONSTRAINT token_pkey PRIMARY KEY (id),
	CONSTRAINT token_account_fkey FOREIGN KEY(account) REFERENCES account (id) ON DELETE CASCADE
);

CREATE INDEX token_account_ix ON token (account);

CREATE INDEX token_family_ix ON token (family);
