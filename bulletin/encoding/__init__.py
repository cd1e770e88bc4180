"""What a bulletin says, as data that can be checked and reckoned with. Pure: no Django, no clock, no settings."""
