r"""Collects what the modules of the standard library define and import, into `standard-library.json` of the profiles.

    python tools/profile_sources/collect_names.py \
        --interpreter 3.13=PATH --label 3.13="CPython 3.13.0, built from source" ... \
        --typeshed FOLDER --typeshed-label "from mypy 2.4.1"

Knows two things. *Names*: the public names of public modules, seen in real interpreters on Linux or stated by typeshed;
a name is lacking only where neither has it. *Imports*: what a module certainly imports, and takes from what it
imported, while it is imported itself, from its source, with conditions evaluated by the interpreter; what stands in a
`try` that would catch a failure is left out. Does not know what Lambda's own build left out. Run by hand, with all
interpreters at once. Several may be given for one version: their names are united, their imports intersected.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from collect_stdlib import VERSIONS, is_wanted, spans  # type: ignore[import-not-found] # beside this script

DATA = Path(__file__).parents[2] / "lambdapack" / "profiles" / "data" / "standard-library.json"
SEEN = Path(__file__).parent / "stdlib" / "seen.txt"
NOISE = ("idlelib", "lib2to3", "turtledemo", "test", "antigravity", "this", "ensurepip", "pydoc_data", "__")

# Runs inside the interpreter being looked at (3.9 and later), so it is plain Python of that age. Each module is
# imported in a process of its own: what one import leaves behind must not be seen as part of the next module.
LOOK = r'''
import ast, importlib, json, os, sys, warnings
warnings.simplefilter("ignore")
wanted = json.load(sys.stdin)
BUILTIN = set(sys.builtin_module_names) | {"__future__"}
CATCHING = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException", "AttributeError"}

def guarded(node):
    for handler in node.handlers:
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        if any(kind is None or getattr(kind, "id", "") in CATCHING for kind in kinds):
            return True
    return False

def edges(module, path):
    """Yields `module`, `module:name,name`, `module!attribute`: what importing a source file certainly runs."""
    space = vars(module)
    package = module.__name__ if hasattr(module, "__path__") else module.__name__.rpartition(".")[0]
    bound = {}

    def uses(node):
        later = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.IfExp, ast.BoolOp)
        if isinstance(node, later):
            return
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in bound:
            yield bound[node.value.id] + "!" + node.attr
        for child in ast.iter_child_nodes(node):
            yield from uses(child)

    def walk(body):
        for node in body:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.name
                    bound[alias.asname or alias.name.partition(".")[0]] = (
                        alias.name if alias.asname else alias.name.partition(".")[0])
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    parent = package
                    for _ in range(node.level - 1):
                        parent = parent.rpartition(".")[0]
                    base = parent + ("." + base if base else "")
                yield base + ":" + ",".join(alias.name for alias in node.names)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                for part in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
                    yield from uses(part)
            elif isinstance(node, ast.ClassDef):
                for part in (*node.decorator_list, *node.bases):
                    yield from uses(part)
                yield from walk(node.body)
            elif isinstance(node, ast.If):
                try:
                    holds = eval(compile(ast.Expression(node.test), "?", "eval"), dict(space))
                except Exception:
                    continue
                if space.get("__name__") == "__main__":
                    continue
                yield from walk(node.body if holds else node.orelse)
            elif isinstance(node, ast.Try):
                if not guarded(node):
                    yield from walk(node.body)
                yield from walk(node.finalbody)
            elif isinstance(node, ast.With):
                yield from walk(node.body)
            elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.Expr)) and node.value is not None:
                yield from uses(node.value)

    with open(path, encoding="utf-8") as file:
        seen = []
        for edge in walk(ast.parse(file.read()).body):
            target = edge.partition(":")[0].partition("!")[0]
            if target.partition(".")[0] not in BUILTIN and edge not in seen:
                seen.append(edge)
        return seen

def look(name, asked):
    module = importlib.import_module(name)
    names = {key for key in dir(module) if isinstance(key, str)}
    names |= {key for key in asked if hasattr(module, key)}
    path = getattr(module, "__file__", None) or ""
    lazy = ["*"] if "__getattr__" in vars(module) else []  # it may make any name when it is asked for it
    return {"names": lazy + sorted(key for key in names if not key.startswith("_")),
            "imports": edges(module, path) if path.endswith(".py") else []}

found = {}
for name, asked in wanted.items():
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        try:
            answer = json.dumps(look(name, asked))
        except BaseException:
            answer = "null"
        with os.fdopen(write, "w") as pipe:
            pipe.write(answer)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    if text and text != "null":
        found[name] = json.loads(text)
print("@@" + json.dumps({"version": ".".join(map(str, sys.version_info[:3])), "found": found}))
'''


def look(python: str, wanted: dict[str, list[str]]) -> tuple[str, dict[str, dict[str, list[str]]]]:
    """Returns an interpreter's version and what it shows of the wanted modules."""
    done = subprocess.run(
        [python, "-S", "-c", LOOK], input=json.dumps(wanted), stdout=subprocess.PIPE, text=True, check=True
    )
    answer = json.loads(done.stdout.rsplit("@@", 1)[1])
    return str(answer["version"]), answer["found"]


def modules_of(version: str) -> list[str]:
    """Returns the standard modules of one version, without those that nobody imports from."""
    found = []
    for line in SEEN.read_text(encoding="utf-8").splitlines():
        name, _, versions = line.partition(" ")
        if not line.startswith("#") and is_wanted(name) and not name.startswith(NOISE) and covers(versions, version):
            found.append(name)
    return found


def covers(text: str, version: str) -> bool:
    """Says whether `3.9-3.12,3.14` holds a version."""
    at = VERSIONS.index(version)
    for run in text.split(","):
        first, _, last = run.partition("-")
        if VERSIONS.index(first) <= at <= VERSIONS.index(last or first):
            return True
    return False


class Stubs:
    """The names that typeshed states for one version on Linux; none for a version that it no longer knows."""

    def __init__(self, folder: Path, version: str) -> None:
        self._folder = folder
        self._python = (3, int(version.split(".")[1]))
        guards = re.findall(r"version_info >= \(3, (\d+)\)", (folder / "typing.pyi").read_text(encoding="utf-8"))
        self._is_known = self._python[1] >= min(map(int, guards)) - 1

    def names(self, module: str, active: tuple[str, ...] = ()) -> set[str] | None:
        """Returns the names of a module, with those of its star imports; None if it has no stub, or any name."""
        stem = self._folder.joinpath(*module.split("."))
        path = next((p for p in (stem / "__init__.pyi", stem.with_suffix(".pyi")) if p.exists()), None)
        if path is None or module in active or not self._is_known:
            return None
        package = module if path.name == "__init__.pyi" else module.rpartition(".")[0]
        found = self._walk(ast.parse(path.read_text(encoding="utf-8")).body, package, (*active, module))
        return None if "__getattr__" in found else found

    def _walk(self, body: list[ast.stmt], package: str, active: tuple[str, ...]) -> set[str]:
        found: set[str] = set()
        for node in body:
            match node:
                case ast.If():
                    holds = self._holds(node.test)
                    found |= self._walk(node.body, package, active) if holds is not False else set()
                    found |= self._walk(node.orelse, package, active) if holds is not True else set()
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    found.add(node.name)
                case ast.Assign(targets=targets):
                    found |= {item.id for target in targets for item in ast.walk(target) if isinstance(item, ast.Name)}
                case ast.AnnAssign(target=ast.Name(id=name)):
                    found.add(name)
                case ast.ImportFrom(names=names):  # a stub passes on only what it renames to the same name
                    base = ".".join(filter(None, (package if node.level else "", node.module or "")))
                    if names[0].name == "*":
                        found |= self.names(base, active) or set()
                    else:
                        found |= {alias.name for alias in names if alias.asname == alias.name}
        return found

    def _holds(self, test: ast.expr) -> bool | None:
        """Evaluates `sys.version_info >= (3, 11)` and `sys.platform == "linux"`."""
        space: dict[str, Any] = {"sys": type("sys", (), {"version_info": (*self._python, 99), "platform": "linux"})}
        try:
            return bool(eval(compile(ast.Expression(test), "stub", "eval"), space))  # typeshed's own guards
        except Exception:  # noqa: BLE001 # a condition of another kind
            return None


def grouped(table: dict[str, dict[str, set[str]]], *, ordered: bool) -> dict[str, dict[str, str]]:
    """Turns module → item → versions into module → span → items."""
    result: dict[str, dict[str, str]] = {}
    for module in sorted(table):
        groups: dict[str, list[str]] = defaultdict(list)
        for item, versions in sorted(table[module].items()) if ordered else table[module].items():
            groups[spans(versions)].append(item)
        result[module] = {span: " ".join(items) for span, items in sorted(groups.items())}
    return result


def main() -> int:
    """Writes the data file; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interpreter", action="append", required=True, metavar="3.X=PATH")
    parser.add_argument("--label", action="append", default=[], metavar="3.X=TEXT", help="what they are")
    parser.add_argument("--typeshed", type=Path, required=True, help="the stdlib folder of a typeshed copy")
    parser.add_argument("--typeshed-label", required=True)
    options = parser.parse_args()
    given = [item.split("=", 1) for item in options.interpreter]

    names: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    imports: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for version in VERSIONS:
        stubs = Stubs(options.typeshed, version)
        for module in modules_of(version):
            if "._" not in f".{module}":
                for name in stubs.names(module) or ():
                    if not name.startswith("_"):
                        names[module][name].add(version)
    answers: dict[str, list[dict[str, dict[str, list[str]]]]] = defaultdict(list)
    for turn in (1, 2):  # the second time with the names that another version or typeshed has: they may be made lazily
        answers.clear()
        for version, python in given:
            asked = {module: sorted(names[module]) if module in names else [] for module in modules_of(version)}
            full, found = look(python, asked)
            if not full.startswith(f"{version}."):
                parser.error(f"{python} is {full}, not {version}")
            answers[version].append(found)
            for module, shown in found.items():
                if "._" not in f".{module}":
                    for name in shown["names"]:
                        names[module][name].add(version)
            print(f"{turn}: {full}: {len(found)} modules", file=sys.stderr)
    for version, seen in answers.items():
        for module in seen[0]:
            others = [set(other.get(module, {}).get("imports", ())) for other in seen[1:]]
            for edge in seen[0][module]["imports"]:
                if all(edge in other for other in others):
                    imports[module][edge].add(version)
    labels = dict(label.split("=", 1) for label in options.label)
    sources = {version: labels.get(version, "") for version, _ in given}
    sources["typeshed"] = f"{options.typeshed_label}, Apache-2.0"
    data = {"sources": sources, "names": grouped(names, ordered=True), "imports": grouped(imports, ordered=False)}
    DATA.write_text(json.dumps(data, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
