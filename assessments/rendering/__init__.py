"""One advisory as page data, text, JSON and documents. Imports no models."""
