"""Traits of a module's source that no single statement shows: ways in which names and modules come into being unseen.

Found by patterns over the text, on purpose wider than any one spelling: a trait only ever turns certainty into doubt.
"""

from __future__ import annotations

import re

# Names of this very module that no statement binds.
_OPAQUE = re.compile(
    rb"\bglobals\s*\(\s*\)(?!\s*\.\s*(?:get|keys|items|values|copy)\b)(?!\s*\[[^]\n]*\](?!\s*=[^=]))(?<!in globals\(\))"
    rb"|\b(?:vars|locals)\s*\(\s*\)\s*(?:\[[^]\n]*\]\s*=(?!=)|\.\s*update\b)"
    rb"|(?<![.\w])exec\s*\("
    rb"|\bmodules\s*(?:\[\s*(?:__name__|__package__)\s*\]|\.\s*get\s*\(\s*__name__)"
    rb"|=\s*(?:vars|locals)\s*\(\s*\)|\bglobal_enum\b"
)
# Only what changes them counts: many modules read them.
_PATH_CHANGE = re.compile(
    rb"(?:\b|_)sys\s*\.\s*path\s*(?:\.\s*(?:append|insert|extend)\b|(?:\[[^]\n]*\]\s*)?[+]?=(?!=))|\baddsitedir\b"
    rb"|(?<![.\w])path\s*\.\s*insert\b|\bsys_path\s*\.\s*(?:append|insert|extend)\b|=\s*sys\s*\.\s*path\b(?!\s*[\[.])"
)
_HOOKS = {
    "sys.path": _PATH_CHANGE,
    "sys.modules": re.compile(
        rb"\bmodules\s*\[[^]\n]{0,200}(?:\[[^]\n]{0,200}\][^]\n]{0,200})?\]\s*=(?!=)|\b__import__\s*=(?!=)"
        rb"|\bmodules\s*\.\s*(?:update|setdefault|__setitem__)\b"
    ),
    "sys.meta_path": re.compile(rb"\bmeta_path\b|\bpath_hooks\b"),
    "__path__": re.compile(
        rb"\b__path__\s*(?:\[[^]\n]*\]\s*)?(?::[^=\n]*)?[+]?=(?!=)"
        rb"|\b__path__\s*\.\s*(?:append|insert|extend)\b|\bextend_path\b|\bdeclare_namespace\b"
    ),
    "extend_path": re.compile(rb"\bextend_path\b|\bdeclare_namespace\b"),
}
# Looked for first: searching plain bytes is many times faster than a pattern.
_OPAQUE_WORDS = (b"globals", b"vars", b"locals", b"exec", b"modules", b"global_enum")
_HOOK_WORDS = {
    "sys.path": (b"path",),
    "sys.modules": (b"modules", b"__import__"),
    "sys.meta_path": (b"meta_path", b"path_hooks"),
    "__path__": (b"__path__", b"extend_path", b"declare_namespace"),
    "extend_path": (b"extend_path", b"declare_namespace"),
}
_LIBRARY_WORDS = (b"DLL", b"dll", b"LoadLibrary", b"dlopen", b"RTLD_GLOBAL")
_SETATTR = re.compile(rb"(?<![.\w])setattr\s*\(\s*(?!self\b|cls\b|type\s*\()[\w.\[\]]+\s*,\s*(['\"]?)(\w*)")
_SET_IN_FUNCTION = re.compile(rb"^[ \t]+(\w+)\.(\w+)\s*=(?!=)", re.MULTILINE)
_LOADS_LIBRARIES = re.compile(rb"\b(?:[Cc]|[Pp]y)[Dd][Ll][Ll]\b|\bLoadLibrary\b|\bdlopen\b|\bRTLD_GLOBAL\b")


def is_opaque(data: bytes) -> bool:
    """True when the module may bind names of its own that no statement shows."""
    return any(word in data for word in _OPAQUE_WORDS) and bool(_OPAQUE.search(data))


def import_hooks(data: bytes) -> frozenset[str]:
    """Names what of the import system the module changes, anywhere in it."""
    return frozenset(
        name
        for name, pattern in _HOOKS.items()
        if any(word in data for word in _HOOK_WORDS[name]) and pattern.search(data)
    )


def loads_libraries(data: bytes) -> bool:
    """True when the module loads native libraries by name."""
    return any(word in data for word in _LIBRARY_WORDS) and bool(_LOADS_LIBRARIES.search(data))


def set_attributes(data: bytes, modules: frozenset[str]) -> tuple[frozenset[str], bool]:
    """Returns the names that the module sets on others: by `setattr` with a literal, or in functions on one of the
    `modules` it imports; and whether it also sets computed ones."""
    names, computed = set(), b".__dict__[" in data or b".__dict__.update" in data
    for quote, name in _SETATTR.findall(data) if b"setattr" in data else ():
        if quote and name:
            names.add(name.decode())
        else:
            computed = True
    for owner, name in _SET_IN_FUNCTION.findall(data):
        if owner.decode() in modules:
            names.add(name.decode())
    return frozenset(names), computed
