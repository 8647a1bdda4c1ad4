"""Watching folders: what is new, changed or gone is taken in as it comes.

Network file systems send no events, so folders are looked at again and again (`folders`, one
`tree` a root); what to do with what is found is `watcher`, and its signs of life `heartbeat`.
"""
