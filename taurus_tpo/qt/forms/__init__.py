"""Updates of Taurus forms after their devices answered or their values arrived."""
