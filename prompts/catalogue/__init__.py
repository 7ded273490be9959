"""Prompts, their versions, contracts and rendering."""
