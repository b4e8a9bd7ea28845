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
    rb"|\b(?<!\] = sys\.)modules\s*(?:\[\s*(?:__name__|__package__)\s*\]|\.\s*get\s*\(\s*__name__)"
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
    # Of other packages, and names in whatever module calls a function or is decorated by it.
    "other.__path__": re.compile(
        # On one line: a comment's full stop may come before a module's own `__path__ = []`, as in six.
        rb"[\w\])][ \t]*\.[ \t]*__path__[ \t]*(?:\.\s*(?:append|insert|extend)\b|[+]?=(?!=)|\[[^]\n]*\]\s*=)"
    ),
    "callers": re.compile(
        rb"(?:f_globals|__globals__)\b[^\n]*(?:\]\s*=(?!=)|\.\s*(?:setdefault|update|__setitem__)\b)"
        rb"|=[^\n=]*(?:f_globals|__globals__)\s*(?:\n|#|;)"
    ),
}
# Looked for first, since the patterns above are slow: a word, and then the least of what must follow it. Without one of
# these, the pattern cannot match.
_Signs = tuple[tuple[bytes, re.Pattern[bytes]], ...]


def _signs(*words: tuple[bytes, bytes]) -> _Signs:
    return tuple((word, re.compile(word + rest)) for word, rest in words)


_CALL, _EMPTY_CALL, _ITEM = rb"\s*\(", rb"\s*\(\s*\)", rb"\s*[\[.]"
_OPAQUE_SIGNS = _signs(
    (b"globals", _CALL),
    (b"vars", _EMPTY_CALL),
    (b"locals", _EMPTY_CALL),
    (b"exec", _CALL),
    (b"modules", rb"\s*(?:\[\s*__|\.\s*get\s*\()"),
    (b"global_enum", b""),
)
_EXTENDING = _signs((b"extend_path", b""), (b"declare_namespace", b""))
_HOOK_SIGNS = {
    "sys.path": _signs(
        (b"sys", rb"\s*\.\s*path\b"), (b"sys_path", b""), (b"addsitedir", b""), (b"path", rb"\s*\.\s*insert\b")
    ),
    "sys.modules": _signs((b"modules", _ITEM), (b"__import__", rb"\s*=")),
    "sys.meta_path": _signs((b"meta_path", b""), (b"path_hooks", b"")),
    "__path__": (*_signs((b"__path__", b"")), *_EXTENDING),
    "extend_path": _EXTENDING,
    "other.__path__": _signs((b"__path__", b"")),
    "callers": _signs((b"f_globals", b""), (b"__globals__", b"")),
}
# All words whose presence is asked for. Text is long and most of it has none: those that have a part in common are only
# looked for where that part is.
_WORDS = {
    b"path": (b"sys_path", b"meta_path", b"path_hooks", b"__path__", b"extend_path"),
    b"global": (b"globals", b"global_enum", b"f_globals", b"__globals__"),
    b"modules": (),
    b"vars": (),
    b"locals": (),
    b"exec": (),
    b"__import__": (),
    b"declare_namespace": (),
    b"addsitedir": (),
    b"setattr": (),
    b"__dict__": (),
    b"__all__": (),
}
_NEAR = 300  # bytes around a sign, more than any line of interest has
# What only such a finder calls, and a package that says that it has no files.
_LOAD_MODULE = re.compile(rb"\n([ \t]+)def load_module\b[^\n]*(?:\n\1[ \t]+[^\n]*|\n[ \t]*(?=\n))*")
_EMPTY_PATH = re.compile(rb"\n[ \t]*__path__ = \[\]")
_LIBRARY_WORDS = (b"DLL", b"dll", b"LoadLibrary", b"dlopen", b"RTLD_GLOBAL")
_SETATTR = re.compile(rb"setattr(?<![.\w]setattr)\s*\(\s*(?!self\b|cls\b|type\s*\()[\w.\[\]]+\s*,\s*(['\"]?)(\w*)")
# `sys.modules[name].x = …`, `other.__dict__["x"] = …`, `vars(other)["x"] = …`, `vars(other).update(x=…)`. The
# words come first, and what stands before them after them: a text is searched for plain words ten times as fast.
_ITEM_SET = rb"\s*\[\s*['\"](\w+)['\"]\s*\]\s*=(?!=)"
_UPDATED = rb"\s*\.\s*update\s*\(\s*(\w+)\s*=(?!=)"
_SET_IN_PLACE = {
    b"modules": re.compile(rb"modules(?<!\wmodules)\s*\[[^\]\n]*\]\s*\.\s*(\w+)\s*=(?!=)"),
    b"__dict__": re.compile(rb"__dict__(?<=\.__dict__)(?:%s|%s)" % (_ITEM_SET, _UPDATED)),
    b"vars": re.compile(rb"vars(?<!\wvars)\s*\([^)\n]+\)(?:%s|%s)" % (_ITEM_SET, _UPDATED)),
}
_EXPORTS_OF_OTHERS = re.compile(
    rb"__all__(?:(?<=\.__all__)\s*(?:\.\s*(?:append|extend|insert)\b|[+]?=(?!=))|(?<=['\"]__all__)['\"])"
)
_SET = re.compile(rb"\.(\w++)\s*+=(?!=)")
_OWNER = re.compile(rb"[ \t]++(\w++)")
_LOADS_LIBRARIES = re.compile(
    rb"\b(?:[Cc]|[Pp]y)[Dd][Ll][Ll]\b|\bLoadLibrary\b|\bdlopen\b|\bRTLD_GLOBAL\b|\bsetdlopenflags\b"
)
_LOADS = re.compile(
    rb"\b(?:import_module|__import__|(?:[Cc]|[Pp]y)[Dd][Ll][Ll]|LoadLibrary|dlopen|find_library|load_library|open|read_text"
    rb"|read_bytes|open_text|open_binary|get_data|resource_\w+|files|version|distribution|metadata|requires|entry_points"
    rb"|get_distribution|require)\s*\("
)


def find_words(data: bytes) -> frozenset[bytes]:
    """Returns which of the words that traits begin with a text has."""
    found = [word for word in _WORDS if word in data]
    for word in tuple(found):
        found += [longer for longer in _WORDS[word] if longer in data]
    if b"path" in found:
        found.append(b"sys")
    return frozenset(found)


def is_opaque(data: bytes, words: frozenset[bytes] | None = None) -> bool:
    """True when the module may bind names of its own that no statement shows. `words` are those found in it, if that is
    known."""
    for word, sign in _OPAQUE_SIGNS:
        for found in sign.finditer(data) if _has(word, data, words) else ():
            # The pattern looks at what stands in the same lines only.
            if _OPAQUE.search(data, max(0, found.start() - _NEAR), found.end() + _NEAR):
                return True
    return False


def import_hooks(data: bytes, words: frozenset[bytes] | None = None) -> frozenset[str]:
    """Names what of the import system the module changes, anywhere in it. `words` as of `is_opaque`."""
    return frozenset(
        name
        for name, pattern in _HOOKS.items()
        if any(_has(word, data, words) and sign.search(data) for word, sign in _HOOK_SIGNS[name])
        and pattern.search(data)
    )


def find_module_hooks(data: bytes, words: frozenset[bytes] | None = None) -> frozenset[str]:
    """Names those of the import hooks that work only where the import system asks finders for `find_module`, which it
    does no more since Python 3.12: a finder without `find_spec`, and what is there for its sake."""
    if not _has(b"meta_path", data, words) or b"find_module" not in data or b"find_spec" in data:
        return frozenset()
    rest = _EMPTY_PATH.sub(b"", _LOAD_MODULE.sub(b"", data))
    return import_hooks(data) - (import_hooks(rest) - {"sys.meta_path"})


def _has(word: bytes, data: bytes, words: frozenset[bytes] | None) -> bool:
    return word in (data if words is None else words)


def loads_libraries(data: bytes) -> bool:
    """True when the module loads native libraries by name."""
    return any(word in data for word in _LIBRARY_WORDS) and bool(_LOADS_LIBRARIES.search(data))


def loads_something(data: bytes) -> bool:
    """True when code may call something that loads a module, a library, a file or metadata by its name."""
    return bool(_LOADS.search(data))


def set_attributes(data: bytes, modules: frozenset[str], words: frozenset[bytes]) -> tuple[frozenset[str], bool]:
    """Returns the names that the module sets on others: by `setattr` with a literal, or in functions on one of the
    `modules` it imports; and whether it also sets computed ones. `words` are those found in it."""
    names = set()
    computed = b"__dict__" in words and (b".__dict__[" in data or b".__dict__.update" in data)
    for quote, name in _SETATTR.findall(data) if b"setattr" in words else ():
        if quote and name:
            names.add(name.decode())
        else:
            computed = True
    for found in _SET.finditer(data):
        owner = _OWNER.fullmatch(data, data.rfind(b"\n", 0, found.start()) + 1, found.start())
        if owner is not None and owner[1].decode() in modules:
            names.add(found[1].decode())
    for word in words & _SET_IN_PLACE.keys():
        names.update(match[match.lastindex or 1].decode() for match in _SET_IN_PLACE[word].finditer(data))
    if b"__all__" in words and _EXPORTS_OF_OTHERS.search(data):
        names.add("__all__")
    return frozenset(names), computed
