"""The governed call: the one door to every model."""
