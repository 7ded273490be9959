"""The demo organisation, made through the services so that its audit trail is real."""
