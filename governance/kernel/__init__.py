"""The few pieces every area shares: no tables, no page of its own."""
