"""Queues, calendars, SLAs, items and leases."""
