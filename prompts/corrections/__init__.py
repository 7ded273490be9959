"""Corrections as data: found, shown, and exported to train models where the basis allows it."""
