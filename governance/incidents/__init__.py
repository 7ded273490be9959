"""Playbooks, incidents and containment."""
