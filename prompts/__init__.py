"""What is said to models, and the one door to them."""
