"""Reading the catalogue for what is to be said of records."""
