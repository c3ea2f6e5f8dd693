"""Work that comes as a Kubernetes document: read by a list of what is taken; whatever is not on it is refused."""

from .checks import Wrong
from .reading import RETRIES, Submitted, read, without_values

__all__ = ["RETRIES", "Submitted", "Wrong", "read", "without_values"]
