"""What happens to every request before a view and to every response after it."""
