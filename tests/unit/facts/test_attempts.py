"""The tree of imports, cut down to what took long."""

from __future__ import annotations

from lambdapack.facts.attempts import ImportAttempt, ImportedModule


def test_long_imports_stay_a_tree() -> None:
    imports = (
        ImportedModule("handler", -1, 1.0, 0.1, None),
        ImportedModule("quick", 0, 0.0001, 0.0001, None),
        ImportedModule("pandas", 0, 0.8, 0.3, None),
        ImportedModule("numpy", 2, 0.5, 0.5, None),
    )
    attempt = ImportAttempt("ok", "handler.f", "local", imports=imports)
    kept = attempt.long_imports(0.01)
    assert [(module.name, kept[module.importer].name if module.importer >= 0 else None) for module in kept] == [
        ("handler", None),
        ("pandas", "handler"),
        ("numpy", "pandas"),
    ]
