"""What speaking with ICAT+ takes; what it shares with ICAT itself is in `icat_parts`."""
