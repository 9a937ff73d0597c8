"""Proof of who we are: a token that lives for seconds, signed with the API key's P-256 key (JWT, ES256).

All pure: the key, the time and the nonce are passed in. The venue takes a nonce only if it is larger than the one
before, across restarts, too; like its other clients we count in seconds since 1970, so that several of them can use
one key.
"""

import base64
import json
from typing import TYPE_CHECKING, Final

from tickwright.engine.errors import LocalError
from tickwright.engine.times import SECOND

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

LIFE_S: Final = 30
"""The venue's newer pages allow no longer life."""

EARLY_S: Final = 5
"""A token is dated back by this much, for a venue whose clock is behind."""

_HALF: Final = 32
_HEADER: Final = {"alg": "ES256", "typ": "JWT"}


class Nonces:
    """Whole seconds, each larger than the one before; `last` is the largest that was ever used."""

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def next(self, wall: int) -> int:
        """The next one, at `wall` nanoseconds UTC; a clock that goes back changes nothing."""
        self.last = max(self.last + 1, wall // SECOND)
        return self.last


class Signer:
    """Makes tokens with one API key.

    Raises:
        LocalError: the private key is no PEM of a P-256 key. It is not shown.
    """

    def __init__(self, api_key: str, private_key: str, uri: str = "") -> None:
        self._api_key, self._uri = api_key, uri
        self._key = read_key(private_key)

    def token(self, wall: int, nonce: int) -> str:
        """A token that holds from `wall` (nanoseconds UTC, by the venue's clock) on for half a minute."""
        now = wall // SECOND
        claims: dict[str, str | int] = {
            "sub": self._api_key,
            "client": "api",
            "iat": now - EARLY_S,
            "exp": now + LIFE_S,
            "nonce": nonce,
        }
        if self._uri:
            claims["uri"] = self._uri
        signed = f"{_packed(_HEADER)}.{_packed(claims)}"
        return f"{signed}.{_base64(signature(self._key, signed.encode()))}"


def read_key(pem: str) -> "EllipticCurvePrivateKey":
    """A P-256 key out of its PEM.

    Raises:
        LocalError: anything else. What it was is not shown.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise LocalError(
            "PowerTrade: expected a private key of P-256 in PEM, received something else; no token is made"
        )
    return key


def signature(key: "EllipticCurvePrivateKey", data: bytes) -> bytes:
    """ES256 as RFC 7518 has it: both numbers of the signature, 32 bytes each."""
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    r, s = decode_dss_signature(key.sign(data, ECDSA(SHA256())))
    return r.to_bytes(_HALF) + s.to_bytes(_HALF)


def _packed(part: object) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
