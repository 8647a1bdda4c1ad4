"""Packages: the datasets behind a publication, as one document of type `collection` with a DOI."""
