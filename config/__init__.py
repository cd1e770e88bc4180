"""How the portal is put together: settings, addresses and the way in for a web server."""
