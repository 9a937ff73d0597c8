"""Who is asking: logins, tokens and signed requests, issued and checked. Pure; the time is an argument.

Tokens are HS256 JWTs under a key of this run. A refused proof raises `Refused` with the venue's status for it.
"""

import base64
import hmac
import json
import re
import uuid
from collections.abc import Mapping
from random import Random
from typing import Any, Final

from attrs import define, frozen

from tickwright.adapters.tdx.mirror.accounts import Account, new_id
from tickwright.adapters.tdx.mirror.options import Options
from tickwright.adapters.tdx.mirror.orders import Refused, invalid, unauthenticated
from tickwright.adapters.tdx.signing import SCHEME, TOTP_STEP_S, Variant, signature, string_to_hash, totp, totp_secret
from tickwright.engine.times import SECOND

SIGNED_WITHIN_NS: Final = 150 * SECOND
TOKEN_MAX: Final = 8192
_PARTS: Final = re.compile(rf"{SCHEME} ApiKey=(\S+) Nonce=(\S+) Timestamp=(\d{{1,16}}) Signature=(\S+)", re.ASCII)
_HEAD: Final = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()


@define
class Session:
    """One login, until it ends; refreshing gives new access tokens in it."""

    account: Account
    refresh_token: str
    ends: int


@frozen(kw_only=True)
class Grant:
    """What a login or a refresh gives; times in nanoseconds UTC."""

    access_token: str
    refresh_token: str
    access_ends: int
    session_ends: int


@frozen(kw_only=True)
class SignedRequest:
    """The parts of an HTTP request that a signature covers, each as it was sent."""

    method: str
    host: str
    path: str
    query: str
    content_type: str
    body: bytes


class Tokens:
    """Every session of the venue."""

    def __init__(self, accounts: list[Account], options: Options, rng: Random) -> None:
        self._options = options
        self._rng = rng
        self._key = rng.randbytes(32)
        self._by_name = {account.username: account for account in accounts}
        self._by_user = {account.user_id: account for account in accounts}
        self._by_key = {account.api_key: account for account in accounts}
        self._sessions: dict[str, Session] = {}
        self._nonces: dict[str, int] = {}
        self._revoked_before = 0
        self._issued = 0
        self.logins = 0

    def login(self, body: object, at: int) -> Grant:
        """A session for a name, a password and a one-time code.

        Raises:
            Refused: a part is missing or wrong.
        """
        if not isinstance(body, dict):
            raise invalid("expected an object with username, password and challenge")
        name, password, code = (_text(body, key) for key in ("username", "password", "challenge"))
        account = self._by_name.get(name)
        right = account is not None and hmac.compare_digest(password.encode(), account.password.encode())
        if account is None or not right:
            raise unauthenticated("wrong username or password")
        if not code:
            raise Refused(401, "UNAUTHENTICATED", "MFA_REQUIRED", "a one-time code is required")
        secret = totp_secret(account.totp_secret)
        # A code of the step before or after is taken too: clocks differ.
        steps = (totp(secret, max(at + step * TOTP_STEP_S * SECOND, 0)) for step in (-1, 0, 1))
        if not any(hmac.compare_digest(code.encode(), each.encode()) for each in steps):
            raise unauthenticated("wrong one-time code")
        session = Session(account, new_id(self._rng), at + self._options.session_life_ns)
        self._sessions[session.refresh_token] = session
        self.logins += 1
        return self._grant(session, at)

    def refresh(self, body: object, at: int) -> Grant:
        """A new access token in a session that lives.

        Raises:
            Refused: there is no such session, or it has ended.
        """
        token = _text(body, "refreshToken") if isinstance(body, dict) else ""
        session = self._sessions.get(token)
        if session is None or session.ends <= at:
            raise unauthenticated("the session has ended; log in again")
        return self._grant(session, at)

    def account(self, token: object, at: int) -> tuple[Account, int]:
        """Whose access token it is, and when it ends.

        Raises:
            Refused: no token of ours, one that has ended, or one that was taken back.
        """
        if not isinstance(token, str) or not token or len(token) > TOKEN_MAX:
            raise unauthenticated("a token is required")
        head, _, rest = token.partition(".")
        body, _, proof = rest.partition(".")
        if not hmac.compare_digest(proof.encode(), self._proof(f"{head}.{body}").encode()):
            raise unauthenticated("the token is not valid")
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        ends = claims["exp"] * SECOND
        if ends <= at or claims["num"] <= self._revoked_before:
            raise unauthenticated("the token has expired")
        return self._by_user[claims["uid"]], ends

    def signed(self, header: str, request: SignedRequest, at: int) -> Account:
        """Whose API key signed a request.

        Raises:
            Refused: unknown key, wrong signature, a time too far off, or a nonce seen before.
        """
        match = _PARTS.fullmatch(header)
        account = self._by_key.get(match[1]) if match else None
        if match is None or account is None:
            raise unauthenticated("the API key is not known")
        nonce, stamp = match[2], int(match[3])
        if abs(stamp * 1_000_000 - at) > SIGNED_WITHIN_NS:
            raise unauthenticated("the timestamp is more than 150 s away")
        if not _is_uuid4(nonce):
            raise unauthenticated("the nonce is no UUID of version 4")
        self._nonces = {seen: until for seen, until in self._nonces.items() if until > at}
        if nonce in self._nonces:
            raise unauthenticated("the nonce was used already")
        hosts = (request.host, request.host.rpartition(":")[0])
        proofs = [self._signature(account, match[1], nonce, stamp, request, host) for host in hosts if host]
        if not any(hmac.compare_digest(match[4].encode(), proof.encode()) for proof in proofs):
            raise unauthenticated("the signature is not valid")
        self._nonces[nonce] = at + 2 * SIGNED_WITHIN_NS
        return account

    def expire_all(self) -> None:
        """Take back every access token that was given; sessions live on."""
        self._revoked_before = self._issued

    def forget(self) -> None:
        """End every session."""
        self.expire_all()
        self._sessions.clear()

    def _grant(self, session: Session, at: int) -> Grant:
        ends = min(at + self._options.token_life_ns, session.ends)
        self._issued += 1
        account = session.account
        claims: dict[str, Any] = {
            "aud": "tdx",
            "exp": ends // SECOND,
            "iat": at // SECOND,
            "iss": "tdx",
            "sub": account.user_id,
            "jti": new_id(self._rng),
            "uid": account.user_id,
            "ut": "FRONT_OFFICE",
            "cid": account.client_account_id,
            "un": account.username,
            "mfa": True,
            "r": [],
            "ms": [],
            "num": self._issued,
        }
        body = base64.urlsafe_b64encode(json.dumps(claims, separators=(",", ":")).encode()).rstrip(b"=").decode()
        signed = f"{_HEAD}.{body}"
        return Grant(
            access_token=f"{signed}.{self._proof(signed)}",
            refresh_token=session.refresh_token,
            access_ends=ends // SECOND * SECOND,
            session_ends=session.ends,
        )

    def _proof(self, signed: str) -> str:
        mac = hmac.digest(self._key, signed.encode("utf-8", "replace"), "sha256")
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()

    def _signature(self, account: Account, key: str, nonce: str, stamp: int, request: SignedRequest, host: str) -> str:
        signed = string_to_hash(
            api_key=key,
            nonce=nonce,
            timestamp_ms=stamp,
            method=request.method,
            host=host,
            path=request.path,
            query=request.query,
            content_type=request.content_type,
            body=request.body,
        )
        return signature(account.api_secret, signed, Variant(self._options.signature_variant))


def bearer(headers: Mapping[str, str]) -> str:
    """The token of an `Authorization` header, empty where there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _text(body: dict[str, object], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str) or len(value) > TOKEN_MAX:
        raise invalid(f"{name}: expected a text")
    return value


def _is_uuid4(text: str) -> bool:
    try:
        return uuid.UUID(text).version == 4 and len(text) == 36
    except ValueError:
        return False
