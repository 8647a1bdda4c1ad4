"""What is known of other catalogues, for pages: no secrets, no options."""
