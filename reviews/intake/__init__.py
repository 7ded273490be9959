"""Intake rules: which answers come to which queue, what is held, what is looked at afterwards."""
