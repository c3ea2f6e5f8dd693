"""Work that comes as a Kubernetes document: read by a list of what is taken; whatever is not on it is refused."""

from .checks import Wrong
from .reading import Submitted, read, without_values
from .restricted import check_restricted
from .writing import written

__all__ = ["Submitted", "Wrong", "check_restricted", "read", "without_values", "written"]
