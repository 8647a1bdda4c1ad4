ALTER TABLE share ADD COLUMN source TEXT COLLATE pg_c_utf8;

ALTER TABLE share DROP CONSTRAINT share_dataset_id_reader_key;

ALTER TABLE share ADD CONSTRAINT share_dataset_id_reader_source_key
	UNIQUE NULLS NOT DISTINCT (dataset_id, reader, source);

DROP INDEX share_reader_ix;

CREATE INDEX share_reader_source_ix ON share (reader, source);
