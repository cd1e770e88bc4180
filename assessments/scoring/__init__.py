"""Score answers against an edition to get an advisory. Pure: no Django, clock or settings; callers give `as_of`."""
