"""Single sign-on by OpenID Connect: what its provider says of a person (`claims`), and asking it (`client`)."""
