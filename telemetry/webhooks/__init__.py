"""What happened, sent to who asked to hear of it: signed, tried again, never to private addresses."""
