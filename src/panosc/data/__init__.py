"""Data services: files of datasets are looked at, sliced and fetched where they lie."""
