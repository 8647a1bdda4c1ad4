"""The record of truth: tables in PostgreSQL, writing, reading back, and the change feed."""
