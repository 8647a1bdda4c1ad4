"""Publication: identifiers, exports, harvesting; all of them say what one record says."""
