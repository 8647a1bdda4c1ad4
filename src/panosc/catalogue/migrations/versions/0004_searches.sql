CREATE TABLE saved_search (
	id TEXT COLLATE pg_c_utf8 NOT NULL,
	account TEXT COLLATE pg_c_utf8 NOT NULL,
	name TEXT COLLATE pg_c_utf8 NOT NULL,
	params TEXT COLLATE pg_c_utf8 NOT NULL,
	created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	looked_at TIMESTAMP WITH TIME ZONE NOT NULL,
	looked_total BIGINT,
	CONSTRAINT saved_search_pkey PRIMARY KEY (id),
	CONSTRAINT saved_search_account_name_key UNIQUE (account, name),
	CONSTRAINT saved_search_account_fkey FOREIGN KEY(account) REFERENCES account (id) ON DELETE CASCADE
);
