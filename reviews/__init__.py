"""Where people decide on outputs."""
