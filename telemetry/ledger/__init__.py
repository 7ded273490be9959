"""Calls, what was said in them (sealed), and the append-only money lines they caused."""
