"""Images without the internet: the registry that nodes mirror from, and the short links on the LAN."""
