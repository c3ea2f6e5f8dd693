"""The frame of the REST API: the one grammar that every endpoint speaks. Endpoints themselves lie in `<app>/api/`."""
