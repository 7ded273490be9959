"""Drift: is it still the same? Two windows of calls, compared on a schedule and on demand."""
