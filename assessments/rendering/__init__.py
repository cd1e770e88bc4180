"""Render one advisory as page data, text, JSON and printed documents. Imports no models."""
