"""What a record says in the formats of others: one file each."""
