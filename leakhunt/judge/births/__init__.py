"""What one snapshot tells of growth: when the survivors were born, and in which task."""
