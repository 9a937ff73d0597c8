"""What a backtest was made from, beside its config: for making it again."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from attrs import frozen

from tickwright.config import Config

ORIGIN: Final = "origin.json"


@frozen
class Origin:
    """`base` is the folder that the config's relative paths start from, `code` the SHA-256 of what decides, by name,
    and `in_memory` says that tapes were given which are in no file."""

    base: str
    code: dict[str, str]
    in_memory: bool


def write_origin(folder: Path, config: Config, code: Mapping[str, str], in_memory: bool) -> None:
    said = {"base": str(config.base.resolve()), "code": dict(code), "in_memory": in_memory}
    (folder / ORIGIN).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def read_origin(folder: Path) -> Origin | None:
    """The origin of a run; None where it left none, or one that cannot be read."""
    try:
        return msgspec.json.decode((folder / ORIGIN).read_bytes(), type=Origin)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
