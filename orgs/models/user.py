from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)

    def people(self) -> "models.QuerySet[User]":
        """Without the users that applications own."""
        return self.filter(application=None)


class User(AbstractBaseUser):  # type: ignore[django-manager-missing]
    """A person who signs in, or what an application acts as. Rights come from access rules alone; there is no
    superuser."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    must_change_password = models.BooleanField(default=False)
    """Somebody else knows the password: it was made up for this person and shown to whoever made the account."""
    date_joined = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]
    objects = UserManager()

    def __str__(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        words = self.name.split()
        return "".join(word[0] for word in [words[0], words[-1]][: len(words)]).upper() if words else "?"

    @property
    def is_staff(self) -> bool:
        """Whether Django's admin lets this person in: who may change the account's settings."""
        return self.has_perm("settings:update")

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Django's admin asks here; every answer is that of `orgs.access` for the whole account."""
        from orgs.access import may_administer

        return may_administer(self)

    def has_module_perms(self, app_label: str) -> bool:
        return self.has_perm(app_label)
