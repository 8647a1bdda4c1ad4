"""The pages of data managers: what ingest did, what it set aside, and corrections by hand."""
