"""Releases: which version runs where, because it was approved."""
