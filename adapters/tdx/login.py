"""Logging in, and staying so: one token at a time, renewed before it ends.

Wrong credentials are tried three times and then given up; a venue that cannot be asked is another matter and is left
to the caller's patience. A one-time code is used once: a second login within its 30 s waits for the next one. Whoever
waits or tries again says so first.
"""

from collections.abc import Callable
from typing import Final

import msgspec
import trio
from attrs import field, frozen

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.http import Answer, Http
from tickwright.adapters.tdx import assumed, rest
from tickwright.adapters.tdx.signing import TOTP_STEP_S, totp, totp_secret
from tickwright.engine.adapter import nobody
from tickwright.engine.errors import TickwrightError
from tickwright.engine.times import SECOND, as_text
from tickwright.engine.wire import Clock, LoginRefused, QueryFailed

TRIES: Final = 3
_PAUSE_S: Final = 1.0
_NOT_HERE: Final = (404, 405, 501)
_TOLD_S: Final = 1.0
"""A wait of so long is worth a word."""
_FINAL: Final = frozenset(("MFA_REQUIRED", "ACCOUNT_IS_SUSPENDED", "ACCESS_REFUSED", "PERMISSION_DENIED"))
"""Reasons of a refusal that no second try can change."""
_DENIED: Final = (400, 401, 403, 404, 409, 422)
_JSON: Final = {"content-type": "application/json"}


@frozen(kw_only=True)
class Credentials:
    """What proves who we are; none of it is in a `repr`. What is not there is empty.

    Orders need a sub-account and a login: user name and password, and the secret behind the one-time codes where the
    account has two factors. An API key signs REST requests; the venue's socket does not take one.
    """

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    totp_secret: str = field(default="", repr=False)
    sub_account_id: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    api_secret: str = field(default="", repr=False)

    @property
    def can_log_in(self) -> bool:
        return bool(self.username and self.password)

    @property
    def can_sign(self) -> bool:
        return bool(self.api_key and self.api_secret)

    def __attrs_post_init__(self) -> None:
        if bool(self.username) != bool(self.password) or bool(self.api_key) != bool(self.api_secret):
            raise TickwrightError("TDX: expected username with password and api_key with api_secret, received one half")
        if self.totp_secret:
            totp_secret(self.totp_secret)


class Login:
    """The token of one user. `taken(token, ends)` is called with each new one; `ends` is in the clock's `now`.

    `told` hears in words of refusals and waits; credentials that are refused are tried `tries` times in all.
    """

    def __init__(
        self,
        http: Http,
        credentials: Credentials,
        clock: Clock,
        *,
        taken: Callable[[str, int], None],
        login_path: str = rest.LOGIN_PATH,
        refresh_paths: tuple[str, ...] = assumed.REFRESH_PATHS,
        device_id: str = "",
        told: Callable[[str], None] = nobody,
        tries: int = TRIES,
    ) -> None:
        self.logins = self.refreshes = 0
        self._http, self._credentials, self._clock, self._taken = http, credentials, clock, taken
        self._login_path, self._refresh_paths, self._device_id = login_path, refresh_paths, device_id
        self._told, self._tries = told, tries
        self._secret = totp_secret(credentials.totp_secret) if credentials.totp_secret else b""
        self._session: rest.Session | None = None
        self._ends = self._life = 0
        self._tried = self._used = -1
        self._lock = trio.Lock()

    @property
    def token(self) -> str:
        """The token to show now; empty where there is none that holds."""
        return self._session.access_token if self._session is not None and self._clock.now() < self._ends else ""

    @property
    def ends(self) -> int:
        """When the token ends, in the clock's `now`."""
        return self._ends

    async def ensure(self) -> None:
        """Have a token that holds.

        Raises:
            LoginRefused: the credentials are not accepted.
            QueryFailed: the venue does not answer.
        """
        async with self._lock:
            if not self.token:
                await self._renew()

    async def renew(self) -> None:
        """Get the next token, by the refresh token where that still works; raises as `ensure` does."""
        async with self._lock:
            await self._renew()

    async def _renew(self) -> None:
        if self._session is None or not await self._refreshed(self._session):
            await self._log_in()

    async def _refreshed(self, session: rest.Session) -> bool:
        """Whether a new token came of the refresh token; false where only a login can help."""
        if self._http.venue_wall() + self._life > session.session_ends:
            return False  # what is left of the session would cut the next token short
        body = msgspec.json.encode(rest.refresh_body(session.refresh_token))
        for path in self._refresh_paths:
            answer = await self._http.ask("POST", path, headers=_JSON, body=body)
            if answer.ok:
                self._refresh_paths = (path,)
                self.refreshes += 1
                self._take(answer)
                return True
            if answer.status in _NOT_HERE and len(self._refresh_paths) > 1:
                continue
            if answer.status in _DENIED:
                return False
            raise QueryFailed(
                f"TDX: expected a new token, received {rest.read_refusal(answer.body, answer.status).words}"
            )
        return False

    async def _log_in(self) -> None:
        self._session = None
        for tries in range(1, self._tries + 1):
            # A code may have been used by an earlier process, so the last try is made with another one.
            await self._fresh_step(self._tried if 1 < tries == self._tries else self._used)
            mine = self._credentials
            code = totp(self._secret, self._http.venue_wall()) if self._secret else ""
            body = msgspec.json.encode(rest.login_body(mine.username, mine.password, code, self._device_id))
            self._tried = self._http.venue_wall() // (TOTP_STEP_S * SECOND) if self._secret else -1
            self.logins += 1
            answer = await self._http.ask("POST", self._login_path, headers=_JSON, body=body)
            if answer.ok:
                self._used = self._tried
                self._take(answer)
                return
            refused = rest.read_refusal(answer.body, answer.status)
            if answer.status not in _DENIED:
                raise QueryFailed(f"TDX: expected a login, received {refused.words}")
            final = not _FINAL.isdisjoint((refused.status, refused.reason))
            if tries == self._tries or final:
                count = "" if self._tries == 1 or final else f", after {tries} tries"
                raise LoginRefused(f"TDX: the venue does not accept the credentials{count}: {refused.words}")
            self._told(f"the login was refused: {refused.words}; try {tries + 1} of {self._tries} follows")
            await trio.sleep(_PAUSE_S * tries)

    async def _fresh_step(self, used: int) -> None:
        """Wait until the one-time code is another than that of a step which was used."""
        step = TOTP_STEP_S * SECOND
        wait = step - self._http.venue_wall() % step
        if self._secret and self._http.venue_wall() // step == used and wait >= _TOLD_S * SECOND:
            until = f"{as_text(self._clock.wall() + wait)[:19]}Z"
            self._told(f"a one-time code is good for one login: waits for the next one until {until}")
        while self._secret and self._http.venue_wall() // step == used:  # noqa: ASYNC110 a wall clock has no event
            await trio.sleep((step - self._http.venue_wall() % step) / SECOND)

    def _take(self, answer: Answer) -> None:
        try:
            self._session = rest.read_session(answer.body)
        except BadMessage as bad:
            raise QueryFailed(f"TDX: {bad}") from None
        # The venue's times are its own; what counts is how much of the token's life is left.
        left = max(self._session.access_ends - self._http.venue_wall(), 0)
        self._life = max(self._life, left)
        self._ends = self._clock.now() + left
        self._taken(self._session.access_token, self._ends)
