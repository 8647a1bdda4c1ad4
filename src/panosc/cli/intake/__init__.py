"""`panosc ingest`: its commands, one module for each kind of them."""
