"""Clients of the local venue: who they are, how they prove it, and what they hold."""

import base64
import uuid
from collections.abc import Mapping
from decimal import Decimal
from random import Random
from typing import Final

from attrs import Factory, define, field

from tickwright.engine.money import EXACT

FUNDS: Final = {
    "CHF": "10000000",
    "USD": "10000000",
    "EUR": "10000000",
    "BTC": "100",
    "ETH": "2000",
    "ACETO": "100000",
}
"""What an account holds at first where nobody says otherwise; of any other asset, `FUNDS_ELSE`."""
FUNDS_ELSE: Final = "1000000"

ZERO: Final = Decimal(0)


@define
class Holding:
    """One asset of one account: all of it, and the part that is held for open orders."""

    total: Decimal = ZERO
    reserved: Decimal = ZERO

    @property
    def available(self) -> Decimal:
        return EXACT.subtract(self.total, self.reserved)

    def add(self, amount: Decimal) -> None:
        self.total = EXACT.add(self.total, amount)

    def reserve(self, amount: Decimal) -> None:
        """Hold `amount` more for orders; less where it is negative."""
        self.reserved = EXACT.add(self.reserved, amount)


@define(eq=False, kw_only=True)
class Account:
    """One user with one client account, one marketplace sub-account and one API key bound to it."""

    username: str
    password: str = field(repr=False)
    totp_secret: str = field(repr=False)
    user_id: str
    client_account_id: str
    sub_account_id: str
    api_key: str
    api_secret: str = field(repr=False)
    holdings: dict[str, Holding] = Factory(dict)

    def holding(self, symbol: str) -> Holding:
        return self.holdings.setdefault(symbol, Holding())

    def credentials(self) -> dict[str, str]:
        """What its owner must know to use it."""
        return {
            "username": self.username,
            "password": self.password,
            "totp_secret": self.totp_secret,
            "sub_account_id": self.sub_account_id,
            "api_key": self.api_key,
            "api_secret": self.api_secret,
        }


def new_id(rng: Random) -> str:
    """A random UUID of version 4."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def new_accounts(count: int, rng: Random, symbols: tuple[str, ...], funds: Mapping[str, str]) -> list[Account]:
    """Fresh accounts, each with secrets of its own drawn from `rng`."""
    found = []
    for number in range(1, count + 1):
        account = Account(
            username=f"desk{number}@local.example",
            password=rng.randbytes(12).hex(),
            totp_secret=base64.b32encode(rng.randbytes(20)).decode(),
            user_id=new_id(rng),
            client_account_id=new_id(rng),
            sub_account_id=new_id(rng),
            api_key=new_id(rng),
            api_secret=rng.randbytes(32).hex(),
        )
        endow(account, symbols, funds)
        found.append(account)
    return found


def endow(account: Account, symbols: tuple[str, ...], funds: Mapping[str, str]) -> None:
    """Set what an account holds to what it begins with."""
    account.holdings.clear()
    for symbol in symbols:
        account.holding(symbol).add(Decimal(funds.get(symbol) or FUNDS.get(symbol, FUNDS_ELSE)))
