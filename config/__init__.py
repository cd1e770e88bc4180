"""How the portal is assembled: settings, URLs, and the entry point for a web server."""
