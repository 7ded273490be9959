"""Budgets that hold before a call, statements per team and month, and who spent what."""
