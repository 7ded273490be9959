"""Frameworks, their controls, and which of our own records answer which control."""
