"""Questions on their way to other catalogues."""
