"""Who may come in: API keys, their P-256 keys, and the tokens (JWT, ES256) that prove them. The time is an argument."""

import base64
import json
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

from attrs import Factory, define, field
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from tickwright.adapters.local.house import OptionError
from tickwright.engine.times import SECOND

TOKEN_MAX: Final = 8192
EARLY_S: Final = 10
"""How far a token may be dated ahead."""
STRICT_LIFE_S: Final = 35
_PLACES: Final = Decimal("0.0000000001")
UNAUTHORIZED: Final = "auth server rejected the authenticate request, Unauthorized"


class Unauthorized(Exception):
    """A token that proves nothing."""


@define
class Position:
    """Signed size, and what it has cost (below zero for a short one)."""

    size: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)

    @property
    def average(self) -> Decimal:
        """The average price, rounded as it is told."""
        return (self.cost / self.size).quantize(_PLACES) if self.size else Decimal(0)


@define(eq=False, kw_only=True)
class Account:
    """One API key, and what its owner holds: assets, and positions by symbol; `payments` are settlements and funding,
    as they are told.
    """

    api_key: str
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    private_key_file: str = ""
    cancel_on_disconnect: bool = False
    nonce: int = 0
    issued_after: int = 0
    cash: dict[str, Decimal] = Factory(dict)
    positions: dict[str, Position] = Factory(dict)
    payments: list[tuple[str, dict[str, str]]] = Factory(list)

    def pem(self) -> str:
        """The private key, as its owner needs it."""
        told = self.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        return told.decode()

    def credentials(self) -> dict[str, str]:
        return {"api_key": self.api_key, "private_key_file": self.private_key_file}


class Keys:
    """Every key that the venue knows. `strict` takes short tokens with growing nonces only."""

    def __init__(self, accounts: list[Account], *, strict: bool) -> None:
        self._accounts = {account.api_key: account for account in accounts}
        self._strict = strict

    def account(self, token: object, at: int) -> Account:
        """Whose token it is.

        Raises:
            Unauthorized: it is no token, is not signed by its key, is for something else, or does not hold now.
        """
        if not isinstance(token, str) or len(token) > TOKEN_MAX or token.count(".") != 2:
            raise Unauthorized
        signed, _, proof = token.rpartition(".")
        head, claims = (_claims(part) for part in signed.split("."))
        account = self._accounts.get(str(claims.get("sub")))
        if account is None or head.get("alg") != "ES256" or claims.get("client") != "api":
            raise Unauthorized
        _check_signature(account, signed.encode("utf-8", "replace"), _bytes(proof))
        begins, ends, now = _number(claims, "iat"), _number(claims, "exp"), at / SECOND
        if not begins - EARLY_S <= now < ends or begins * SECOND < account.issued_after:
            raise Unauthorized
        if self._strict:
            self._check_strictly(account, claims, ends - begins)
        return account

    def expire_all(self, at: int) -> None:
        """Take no token any more that was issued before now."""
        for account in self._accounts.values():
            account.issued_after = at - 5 * SECOND

    def _check_strictly(self, account: Account, claims: dict[str, Any], life: float) -> None:
        nonce = int(_number(claims, "nonce"))
        if life > STRICT_LIFE_S or nonce < account.nonce:
            raise Unauthorized
        account.nonce = nonce


def new_accounts(count: int, rng: Random) -> list[Account]:
    """Fresh keys, drawn from `rng`."""
    return [
        Account(
            api_key=rng.randbytes(16).hex(),
            key=ec.derive_private_key(rng.randrange(1 << 128, 1 << 255), ec.SECP256R1()),
        )
        for _ in range(count)
    ]


def read_accounts(path: str) -> list[Account]:
    """Fixed keys out of a JSON file: ``{"api_key": ..., "private_key_file": ...}`` or a list of such. A relative path
    is one beside the file; `cancel_on_disconnect` may be said beside.

    Raises:
        OptionError: unreadable, or no P-256 key. No key is shown.
    """
    try:
        found = json.loads(Path(path).read_text())
        rows = found if isinstance(found, list) else [found]
        return [_read_account(Path(path), row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, UnsupportedAlgorithm) as error:
        kind = type(error).__name__
        raise OptionError(f"{path}: expected api_key and private_key_file of a P-256 key, received {kind}") from None


def _read_account(path: Path, row: dict[str, Any]) -> Account:
    place = path.parent / row["private_key_file"]
    key = load_pem_private_key(place.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise TypeError("no P-256 key")
    chosen = row.get("cancel_on_disconnect", False) is True
    api_key = str(row["api_key"])
    return Account(api_key=api_key, key=key, private_key_file=str(place.resolve()), cancel_on_disconnect=chosen)


def _check_signature(account: Account, signed: bytes, proof: bytes) -> None:
    if len(proof) != 64:
        raise Unauthorized
    numbers = int.from_bytes(proof[:32]), int.from_bytes(proof[32:])
    try:
        account.key.public_key().verify(encode_dss_signature(*numbers), signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise Unauthorized from None


def _claims(part: str) -> dict[str, Any]:
    try:
        found = json.loads(_bytes(part))
    except (ValueError, RecursionError):
        raise Unauthorized from None
    if not isinstance(found, dict):
        raise Unauthorized
    return found


def _bytes(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise Unauthorized from None


def _number(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 63:
        raise Unauthorized
    return value
