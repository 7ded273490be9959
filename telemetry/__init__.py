"""What happened, what it cost, and whether it is still the same."""
