"""Further places of files that the catalogue knows already."""
