"""Thousands of governed calls from one file, at a declared pace and within a declared budget."""
