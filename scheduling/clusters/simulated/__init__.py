"""A cluster that exists in the database only: nodes from a file, pods that start, run and end by themselves."""

from .create import simulate_cluster
from .gateway import SimulatedGateway

__all__ = ["SimulatedGateway", "simulate_cluster"]
