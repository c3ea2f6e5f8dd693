"""A real identity provider for the tests: oidc-provider, run by Node, both brought along by this folder."""
