"""The example organization: who is in it, what it has, and a stream of work."""
