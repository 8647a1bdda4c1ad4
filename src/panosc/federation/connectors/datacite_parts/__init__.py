"""Records in the words of DataCite, however they came: OAI-PMH, DataCite's REST API, Invenio."""
