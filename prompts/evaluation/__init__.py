"""Test suites of prompts: cases, scorers, and runs of a version on a deployment."""
