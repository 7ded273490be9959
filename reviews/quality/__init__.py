"""How well people judge: double review, agreement, calibration, and what reviewing costs."""
