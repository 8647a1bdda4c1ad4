"""Groups and their members: read from the user office, kept in the database, given by hand."""
