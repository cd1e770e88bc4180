"""Middleware: what happens to every request before its view, and to every response after it."""
