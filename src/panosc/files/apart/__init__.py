"""Files that another account reads: a process of that account opens them, and starts readers.

The account is reached by a command of the operator (`reader_command`), such as ``sudo -n -u``.
What it runs is `keeper`; `asking` speaks to it. A process that was told of no command, among them
every reader, opens files itself.
"""
