"""Observers and pool loops: between the clusters, the database and the engine (docs/scheduler.md)."""
