"""Proofs of who we are: REST requests signed with an API key (TDXV1), one-time codes (RFC 6238), a token's end.

All pure: the nonce, the clock and the secrets are passed in. The venue's two editions describe the signature
differently and neither has been seen checked against the live host, so the variant can be chosen:

    A  secret decoded from hex, HMAC over the base64 text of the digest (followed by third-party clients; the default)
    B  secret as text, HMAC over the raw digest (the current page, read literally)
    C  secret decoded from hex, HMAC over the raw digest

The venue refuses a nonce seen within 150 s and a timestamp further than 150 s from its own clock.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from enum import Enum
from typing import Final

import msgspec

from tickwright.adapters.bad_message import BadMessage
from tickwright.engine.errors import LocalError
from tickwright.engine.times import SECOND

SCHEME: Final = "TDXV1-HMAC-SHA256"
TOTP_STEP_S: Final = 30
TOKEN_MAX: Final = 8192


class Variant(Enum):
    """How the venue's text on signatures is read."""

    A = "A"
    B = "B"
    C = "C"


def string_to_hash(
    *,
    api_key: str,
    nonce: str,
    timestamp_ms: int,
    method: str,
    host: str,
    path: str,
    query: str = "",
    content_type: str = "",
    body: bytes = b"",
) -> bytes:
    """What is signed: the parts that are not empty, joined by one space. `query` has no `?`, `host` no scheme."""
    parts = ["TDXV1", api_key, nonce, str(timestamp_ms), method.upper(), host, path, query, content_type]
    return b" ".join([part.encode() for part in parts if part] + ([body] if body else []))


def digest_text(signed: bytes) -> str:
    """The digest of what is signed, as base64."""
    return base64.b64encode(hashlib.sha256(signed).digest()).decode()


def signature(secret: str, signed: bytes, variant: Variant = Variant.A) -> str:
    """The base64 signature of `string_to_hash`.

    Raises:
        LocalError: variants A and C take a secret in hex, and this one is not. The secret is not shown.
    """
    message = digest_text(signed).encode() if variant is Variant.A else hashlib.sha256(signed).digest()
    key = secret.encode() if variant is Variant.B else _hex(secret)
    return base64.b64encode(hmac.digest(key, message, "sha256")).decode()


def authorization(
    secret: str,
    *,
    api_key: str,
    nonce: str,
    timestamp_ms: int,
    method: str,
    host: str,
    path: str,
    query: str = "",
    content_type: str = "",
    body: bytes = b"",
    variant: Variant = Variant.A,
) -> str:
    """The `Authorization` header of one request. `nonce` is a fresh UUIDv4, `timestamp_ms` UTC."""
    signed = string_to_hash(
        api_key=api_key,
        nonce=nonce,
        timestamp_ms=timestamp_ms,
        method=method,
        host=host,
        path=path,
        query=query,
        content_type=content_type,
        body=body,
    )
    proof = signature(secret, signed, variant)
    return f"{SCHEME} ApiKey={api_key} Nonce={nonce} Timestamp={timestamp_ms} Signature={proof}"


def totp(secret: bytes, at: int, *, digits: int = 6, algorithm: str = "sha1") -> str:
    """The one-time code of the moment `at` (nanoseconds UTC), in steps of 30 s."""
    counter = at // SECOND // TOTP_STEP_S
    mac = hmac.digest(secret, struct.pack(">Q", counter), algorithm)
    start = mac[-1] & 0x0F
    number = int.from_bytes(mac[start : start + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}d}"


def totp_secret(text: str) -> bytes:
    """The secret behind a one-time code as an authenticator app takes it: base32, with or without spaces and padding.

    Raises:
        LocalError: it is not base32. The secret is not shown.
    """
    bare = text.replace(" ", "").replace("-", "").rstrip("=").upper()
    try:
        secret = base64.b32decode(bare + "=" * (-len(bare) % 8))
    except binascii.Error:
        secret = b""
    if not secret:
        raise LocalError("TDX: expected a TOTP secret in base32, received something else; logins are impossible")
    return secret


class _Claims(msgspec.Struct):
    exp: int


def token_expiry(token: str) -> int:
    """When a token ends, in nanoseconds UTC, read without checking its signature (only the venue can).

    Raises:
        BadMessage: it is no token with an `exp`. The token is not shown.
    """
    parts = token.split(".") if len(token) <= TOKEN_MAX else []
    try:
        middle = parts[1] if len(parts) == 3 else ""
        claims = msgspec.json.decode(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)), type=_Claims)
        seconds = claims.exp
    except (ValueError, RecursionError):  # bad base64 and bad JSON are both ValueErrors
        seconds = -1
    if not 0 <= seconds < 1 << 33:
        raise BadMessage("accessToken", "a JWT with its end in exp", "something else")
    return seconds * SECOND


def _hex(secret: str) -> bytes:
    try:
        return bytes.fromhex(secret)
    except ValueError:
        raise LocalError("TDX: expected an API secret in hex, received something else; nothing is signed") from None
