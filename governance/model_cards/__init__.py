"""Model cards, deployments and prices."""
