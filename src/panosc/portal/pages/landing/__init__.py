"""The pages that identifiers lead to, and the same records in the formats of others."""
