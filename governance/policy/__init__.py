"""What a sensitivity and a risk tier oblige."""
