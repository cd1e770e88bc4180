"""What the bulletin says. Knows nothing of people or their answers."""
