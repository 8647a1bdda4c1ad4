"""What is known of each facility, and from what: the project's own table, asked instead of told."""
