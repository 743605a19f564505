"""The HTTP server: `create_app` makes it of its collaborators; nothing happens at import."""
