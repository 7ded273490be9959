"""Calendars and SLA policies: looked at, made and changed, with what a change does to open work."""
