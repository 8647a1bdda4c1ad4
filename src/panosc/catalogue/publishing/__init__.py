"""What publishing keeps beside the catalogue, as rows."""
