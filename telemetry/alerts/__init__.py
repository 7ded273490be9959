"""Alerts: one open alert per cause, reopened rather than repeated."""
