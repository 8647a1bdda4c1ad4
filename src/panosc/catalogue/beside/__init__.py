"""What runs beside a node that serves."""
