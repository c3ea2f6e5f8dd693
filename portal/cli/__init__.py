"""The command line `bursar`: a program over the REST API, and nothing else. It imports nothing of the server."""
