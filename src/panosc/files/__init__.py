"""The one way to the bytes of files: worker processes, careful opening, plots.

Nothing above this floor opens a stranger's file in a process that matters.
"""
