"""Two modules import each other, and one takes a name that the other has not bound yet.

What it finds
    `from module import name` that runs while `module` itself is still being imported, further up the same chain of
    imports, at a place before the one where it binds the name. Which of the modules the handler imports first decides:
    the same circle may work when it is entered from the other side.

Why it fails on Lambda
    "Unable to import module 'handler': cannot import name 'Order' from partially initialized module 'models' (most
    likely due to a circular import) (/var/task/models.py)". It fails in the same way on your machine, as soon as the
    modules are imported in this order: `python -c "import handler"`.

How to fix it
    Move what both need into a third module; or import the module and not the name (`import models`, then `models.Order`
    where it is used); or put the import into the function that needs it.

When to ignore it
    Never.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Subject, check


@check("IMP009", "takes a name from a module that is still being imported", needs=("handler",))
def circular_import(subject: Subject) -> Iterator[Hit]:
    for failure in subject.imports.uncaught if subject.imports else ():
        if failure.kind != "circular" or not failure.is_fatal:
            continue
        circle = (*failure.chain[failure.chain.index(failure.module) :], failure.module)
        yield Hit(
            path=failure.path,
            message=f"line {failure.line}: imports {failure.name} from {failure.module}, which has not bound it yet: "
            f"it is still being imported ({' > '.join(circle)})",
            fix=f"move {failure.name} into a module that imports neither of them, or import it where it is used",
            evidence={
                "module": failure.module,
                "name": failure.name,
                "line": failure.line,
                "circle": list(circle),
            },
            chain=(*failure.chain, f"{failure.module}.{failure.name}"),
        )
