"""Commands on where files lie."""
