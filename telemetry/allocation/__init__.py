"""Allocation: shared cost split among teams by rules that are signed, explained line by line."""
