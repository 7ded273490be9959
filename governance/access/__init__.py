"""People, teams, roles, grants and API keys."""
