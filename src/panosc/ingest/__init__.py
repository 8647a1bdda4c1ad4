"""Files become records: walking folders, reading formats, mapping to the data model."""
