"""A bulletin encoded as data: its files are read and checked here. Pure: no Django, no clock, no settings."""
