"""Pages of whoever is signed in, and the way there."""
