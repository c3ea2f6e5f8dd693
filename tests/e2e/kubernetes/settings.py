"""The settings of tests for a worker that logs everything, so that a secret in its log would be found."""

from portal.settings.test import *  # noqa: F403

LOG_LEVEL = "DEBUG"
