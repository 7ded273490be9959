"""What unmodified clients do at the gateway. Each file runs alone, where only its client is."""
