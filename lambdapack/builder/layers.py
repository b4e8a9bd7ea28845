"""Layers: where their files stand, and what a function need not pack because its layer brings it.

Lambda unpacks layers at /opt and has /opt/python on `sys.path`. Knows ZIPs that a build has made; judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from lambdapack.builder.archive import Piece
from lambdapack.builder.installed import InstalledWheel
from lambdapack.builder.plan import LeftOut
from lambdapack.errors import BuildFailed

PREFIX = "python/"

# What says of an installed wheel which one it is: name, version and all that it requires; and its tags.
_IDENTITY = (".dist-info/METADATA", ".dist-info/WHEEL")


def in_layer(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Returns the pieces as they stand in a layer: below `python/`."""
    return tuple(
        # A header holds the path, so it is written anew.
        replace(piece, path=PREFIX + piece.path, packed=piece.packed._replace(headed=False) if piece.packed else None)
        for piece in pieces
    )


class BroughtByLayers:
    """The wheels in the layers of a function, by name of the layer; a wheel that is in one is not packed again."""

    def __init__(self, layers: Mapping[str, Path]) -> None:
        """Reads the directories of the layers' ZIPs. Raises `BuildFailed` when one is not there."""
        self._files = {name: _directory(name, path) for name, path in layers.items()}

    def left_out(self, installed: InstalledWheel) -> LeftOut | None:
        """Returns that a wheel is left out, None where no layer brings the very same one."""
        identity = {
            piece.path: piece.packed.crc
            for piece in installed.pieces
            if piece.packed is not None and piece.path.count("/") == 1 and piece.path.endswith(_IDENTITY)
        }
        for name, files in self._files.items():
            if identity and all(files.get(PREFIX + path) == crc for path, crc in identity.items()):
                owner = installed.pieces[0].owner
                return LeftOut(f"brought by layer {name}", f"{owner.partition(' ')[0]}/", owner, by_user=False)
        return None


def _directory(name: str, path: Path) -> dict[str, int]:
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(path) as archive:
            return {member.filename: member.CRC for member in archive.infolist()}
    except FileNotFoundError as error:
        raise BuildFailed(f"layer {name}: {path} is not there", hint=f"lambdapack build --function {name}") from error
    except (BadZipFile, OSError) as error:
        raise BuildFailed(f"layer {name}: {path} cannot be read as a ZIP: {error}") from error
