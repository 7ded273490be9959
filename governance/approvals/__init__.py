"""One engine for every governed change."""
