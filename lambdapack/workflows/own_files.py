"""`include = "auto"`: of the project's own files those that the handler needs, each with its reason."""

from __future__ import annotations

from dataclasses import replace

from lambdapack.builder import Draft, LeftOut, WheelStore
from lambdapack.facts.own_reach import OwnReach, own_reach
from lambdapack.settings import FunctionSettings
from lambdapack.workflows.drafts import mount_point, subject_of_draft

RULE = 'include = "auto"'
# What the import graph is made of; everything else is looked at by name only.
_CODE = (".py", ".pth")


def with_needed_files(draft: Draft, function: FunctionSettings, store: WheelStore) -> Draft:
    """Returns the draft without the project's files that nothing the handler reaches has need of."""
    own = {path: piece for path, piece in draft.pieces.items() if piece.own}
    point = mount_point(function)
    reach = _reach(draft, frozenset(own), function, store, point)
    reasons = {path.removeprefix(f"{point}/"): reason for path, reason in reach.reasons.items()}
    # A .pth file at the root is read by site when the runtime starts, whatever the handler imports.
    reasons |= {
        path: "read by Python's site at every start" for path in own if path.endswith(".pth") and "/" not in path
    }
    left = [LeftOut(RULE, path, own[path].owner, by_user=False) for path in sorted(own.keys() - reasons.keys())]
    told = f"{RULE}: {len(reasons)} of {len(own)} files of your own are needed (lambdapack why PATH)"
    told += "".join(f"; {doubt}" for doubt in reach.doubts)
    return replace(draft.without(left, told), reasons=reasons)


def _reach(draft: Draft, own: frozenset[str], function: FunctionSettings, store: WheelStore, point: str) -> OwnReach:
    looked_at = {
        path: piece
        for path, piece in draft.pieces.items()
        if not piece.own or path.endswith(_CODE) or ".so" in path.rpartition("/")[2]
    }
    with subject_of_draft(replace(draft, pieces=looked_at), function, store) as subject:
        assert subject.imports is not None  # a function has a handler
        contracts = [text.partition(":")[0] for text in function.contracts]
        places = (f"{point}/{path}" for path in own)
        return own_reach(subject.stack, subject.finder, subject.imports, places, contracts)
