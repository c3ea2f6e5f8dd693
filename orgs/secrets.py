"""Encryption of what must be kept but never shown: the credentials of clusters."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.CREDENTIAL_KEYS])


def encrypt(text: str) -> str:
    """With the first of CREDENTIAL_KEYS."""
    return _keys().encrypt(text.encode()).decode()


def decrypt(text: str) -> str:
    """With whichever of CREDENTIAL_KEYS fits. ValueError when none does: the key was taken out too early."""
    try:
        return _keys().decrypt(text.encode()).decode()
    except InvalidToken:
        raise ValueError(
            "No key of BURSAR_CREDENTIAL_KEYS opens these credentials. Put the old key back at the end."
        ) from None


def renewed(text: str) -> str:
    """The same, encrypted with the first of CREDENTIAL_KEYS. ValueError as of `decrypt`."""
    return encrypt(decrypt(text))
