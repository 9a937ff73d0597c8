"""Build the tree of links through which mypy sees the rooms under their import name.

The rooms lie at the top of the repository and import as ``tickwright`` and ``tickwright.<room>``; mypy looks for
folders that are named as the imports. ``python tests/typed_tree.py build/typed`` makes ``build/typed/tickwright``:
the files of ``app/`` at its top, every other room as a subpackage, each a link to the real one. Running it again
is safe: links that are right stay, links that have gone stale are removed.

Beside it stands ``new_venue``: what ``tickwright new adapter new_venue`` writes, so that its types are checked as well.
"""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "tickwright"
NEW = "new_venue"


def wanted_links(root: Path) -> dict[str, Path]:
    """What the tree holds: a link's name and the real path it shows."""
    rooms = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]
    links = {
        path.name: path
        for path in sorted((root / rooms[NAME]).iterdir())
        if path.name != "__pycache__" and not path.name.startswith(".")
    }
    for package, folder in rooms.items():
        parts = package.split(".")
        if len(parts) == 2:  # deeper packages lie inside their room and come along with its link
            if links.get(parts[1], root / folder) != root / folder:
                raise SystemExit(f"{folder}: expected a name of its own, received {parts[1]!r}, also in app")
            links[parts[1]] = root / folder
    return links


def build(tree: Path, root: Path = ROOT) -> None:
    """Make the links under ``tree / "tickwright"`` and remove every other one."""
    top = tree / NAME
    top.mkdir(parents=True, exist_ok=True)
    links = wanted_links(root)
    for path in top.iterdir():
        if not path.is_symlink():
            raise SystemExit(f"{path}: expected only links in this tree, received something else; remove it")
        if links.get(path.name) != path.readlink():
            path.unlink()
    for name, target in links.items():
        link = top / name
        if not link.is_symlink():
            link.symlink_to(target)


def write_venue(tree: Path) -> None:
    """Write the files of a new venue, as its author gets them."""
    from tickwright.commands.new import venue_texts

    folder = tree / NEW
    folder.mkdir(parents=True, exist_ok=True)
    texts = venue_texts(NEW)
    for path in folder.iterdir():
        if path.is_file() and path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python tests/typed_tree.py DIRECTORY")
    build(Path(sys.argv[1]))
    write_venue(Path(sys.argv[1]))
