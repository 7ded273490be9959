"""Who may do what with which model, and the proof."""
