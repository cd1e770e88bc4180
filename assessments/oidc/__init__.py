"""Single sign-on by OpenID Connect: the claims about a person (`claims`), and requests to the provider (`client`)."""
