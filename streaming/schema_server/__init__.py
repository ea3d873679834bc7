"""A read-only schema registry over the published schemas: server.py listens, api.py answers."""
