"""Work that comes as a Kubernetes document: read by a list of what is taken; whatever is not on it is refused."""

from .checks import Wrong
from .reading import Submitted, read, without_values
from .writing import written

__all__ = ["Submitted", "Wrong", "read", "without_values", "written"]
