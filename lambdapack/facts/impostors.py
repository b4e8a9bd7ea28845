"""What a file is that has a library's name and is none: told by its first bytes. Knows nothing of ELF."""

from __future__ import annotations

import re

_MAGIC = (
    (b"\xcf\xfa\xed\xfe", "a macOS binary (Mach-O)"),
    (b"\xfe\xed\xfa\xcf", "a macOS binary (Mach-O)"),
    (b"\xce\xfa\xed\xfe", "a macOS binary (Mach-O, 32-bit)"),
    (b"\xfe\xed\xfa\xce", "a macOS binary (Mach-O, 32-bit)"),
    (b"\xca\xfe\xba\xbe", "a macOS universal binary (Mach-O)"),
    (b"\xca\xfe\xba\xbf", "a macOS universal binary (Mach-O)"),
    (b"MZ", "a Windows binary (PE)"),
    (b"\0asm", "WebAssembly"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself"),
    (b"!<arch>", "a static library (ar archive)"),
    (b"!<thin>", "a static library (ar archive)"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"\xfd7zXZ", "xz data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"#!", "a script"),
)
_WEB_PAGE = re.compile(rb"\s*<(?:!doctype|html|\?xml)", re.IGNORECASE)
_LINKER_SCRIPT = re.compile(rb"^\s*(?:/\*.*?\*/\s*)*(?:INPUT|GROUP|OUTPUT_FORMAT|SEARCH_DIR|VERSION)\s*\(", re.DOTALL)
_LINKER_SCRIPT_MARK = b"/* GNU ld script"
# `zip` without `-y`, and unpacking where links are not allowed, leave the name of the target in the link's place.
_LINK = re.compile(rb"[\w.+/-]+\.so(?:\.[\w.+-]+)?\Z")
_LONGEST_LINK = 4096  # PATH_MAX
_BEGINNING = 4096


def name_of_impostor(data: bytes) -> str | None:
    """Completes "it is ..."; None where nothing is recognised."""
    if not data:
        return "empty"
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    beginning = data[:_BEGINNING]
    if beginning.startswith(_LINKER_SCRIPT_MARK) or _LINKER_SCRIPT.match(beginning):
        return "a linker script, which only the compiler's linker reads"
    if _WEB_PAGE.match(beginning):
        return "a web page, as a failed download leaves it"
    if len(data) < _LONGEST_LINK and _LINK.fullmatch(data):
        return f"the text of a symbolic link to {data.decode('ascii')}"
    if not data.strip(b"\0"):
        return "nothing but zero bytes"
    return None
