"""Statements and exports that come by themselves: by mail to a person, or told to a webhook."""
