"""DOIs of records: asked for, queued, registered at DataCite, and kept as the records are."""
