"""Nonces that grow across restarts and clocks that go back: the last one lies in a small file of the run's state.

The file is replaced as a whole, so that it is never half written. It is not forced to the disk: after a loss of power
the clock has moved on past everything that was used.
"""

import os
from pathlib import Path
from typing import Final

from tickwright.adapters.powertrade.signing import Nonces
from tickwright.engine.errors import TickwrightError

_DIGITS_MAX: Final = 15


class KeptNonces(Nonces):
    """Nonces whose last one is kept in a file; a missing file is the first run.

    Raises:
        TickwrightError: the file cannot be read or written, or holds something else. Without it no login is tried.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        super().__init__(_read(path))

    def next(self, wall: int) -> int:
        """The next one, written down before it is used."""
        nonce = super().next(wall)
        fresh = self._path.with_name(f"{self._path.name}.new")
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(fresh, flags, 0o600), "w", encoding="ascii") as file:
                file.write(f"{nonce}\n")
            fresh.replace(self._path)
        except OSError as error:
            raise TickwrightError(f"{self._path}: cannot keep the last nonce: {error}; no login is made") from None
        return nonce


def _read(path: Path) -> int:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), encoding="ascii") as file:
            text = file.read(64).strip()
    except FileNotFoundError:
        return 0
    except (OSError, UnicodeDecodeError) as error:
        raise TickwrightError(f"{path}: cannot read the last nonce: {error}; no login is made") from None
    if not (text.isdigit() and len(text) <= _DIGITS_MAX):
        raise TickwrightError(f"{path}: expected the last nonce in digits, received something else; no login is made")
    return int(text)
