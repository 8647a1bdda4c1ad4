"""Bytes of files wherever they lie: disk, S3, HTTPS, WebDAV; exactly those asked for, or an error.

Nothing is written to a storage, and no address is opened that does not lie below a configured
one. Whether a file may be read at all is decided elsewhere (`files.tiers`).
"""
