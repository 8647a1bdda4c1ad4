"""Links between records and works elsewhere: told by people, imported from events, as a graph."""
