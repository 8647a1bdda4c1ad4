"""What a data manager wants to know of ingest at one look. It reads, and changes nothing."""
