"""Decisions on outputs, and the corrections that they leave behind."""
