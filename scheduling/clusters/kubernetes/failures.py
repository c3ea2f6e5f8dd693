"""What it means when libcurl has no answer."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pycurl

from .errors import MAX_MESSAGE, SilenceError, UnreachableError
from .text import plain

# What OpenSSL says of a certificate that another authority signed: whoever signed it is not known, it signed itself, an
# unknown one signed the chain, it cannot be checked, or an authority of that name signed it with another key.
FOREIGN = frozenset({20, 18, 19, 21, 7})
EXPIRED = 10


@dataclass(frozen=True, slots=True)
class Failure:
    code: int
    """libcurl's."""
    told: str
    """What libcurl says of it."""
    verify_code: int
    """OpenSSL's, of the certificate."""
    os_code: int
    """The system's, where no connection was made."""
    has_sent: bool
    """Something of the request went out."""

    def error(self, server: str) -> UnreachableError:
        """In words for people."""
        match self.code:
            case pycurl.E_FILESIZE_EXCEEDED:
                message = f"The cluster at {server} sent far too much."
            case pycurl.E_PARTIAL_FILE:
                message = f"The cluster at {server} sent a part of its answer."
            case _:
                message = f"The cluster at {server} cannot be reached: {self._reason()}."
        is_silence = self.code == pycurl.E_OPERATION_TIMEDOUT and self.has_sent
        return (SilenceError if is_silence else UnreachableError)(message, may_have_arrived=self.has_sent)

    def _reason(self) -> str:
        match self.code:
            case pycurl.E_OPERATION_TIMEDOUT:
                return "it did not answer in time"
            case pycurl.E_COULDNT_RESOLVE_HOST:
                return "its name is not known here; check the name, or the DNS"
            case pycurl.E_SEND_FAIL_REWIND:
                return "the connection ended before it answered"
            case pycurl.E_COULDNT_CONNECT if self.os_code:
                return os.strerror(self.os_code).lower()
            case pycurl.E_PEER_FAILED_VERIFICATION:
                return self._distrust()
            case pycurl.E_SSL_CERTPROBLEM:
                return f"no secure connection ({self._plain()}); check the client certificate"
        return self._plain()

    def _distrust(self) -> str:
        """Why the server's certificate does not show that it is the cluster."""
        if self.verify_code in FOREIGN:
            return (
                "its certificate is not signed by the authority in certificate-authority-data. If the cluster has a "
                "new authority, give it new credentials; if not, another server answers at its address"
            )
        if self.verify_code == EXPIRED:
            return "its certificate has expired; renew it there"
        return f"its certificate is not trusted ({self._plain()}); check certificate-authority-data"

    def _plain(self) -> str:
        return plain(self.told, MAX_MESSAGE).rstrip(".")
