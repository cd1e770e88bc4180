"""From an edition and answers to an advisory. Pure: no Django, no clock, no settings; `as_of` is always given."""
