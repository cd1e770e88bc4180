"""What is loaded from the database, and what was frozen there. Hashes depend on it."""
