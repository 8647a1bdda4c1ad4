"""The processes of `panosc serve`: one that leads, and those that answer the web."""
