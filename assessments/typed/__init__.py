"""Cleans up, reads and compares what people type and paste. Pure: no Django, no clock."""
