"""What is wanted from tape, as rows."""
