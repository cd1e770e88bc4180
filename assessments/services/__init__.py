"""Every write: verb first, keyword-only, `by` the person who acts, one transaction each."""
