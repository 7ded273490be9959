"""The rules that every installation begins with, a file for each category. Pure."""
