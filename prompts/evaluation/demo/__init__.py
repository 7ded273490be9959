"""What people judged in the demo organisation before today, and what followed from it."""
