"""The question compiled to SQL: nothing here talks to a database."""
