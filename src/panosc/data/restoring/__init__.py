"""Restoring files from tape: wishes become recalls, recalls become mounts, and files go back.

Nothing here reads a file. A tape system is reached through `tapes.Tape` alone.
"""
