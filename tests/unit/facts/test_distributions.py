"""Installed distributions, read from their metadata."""

from __future__ import annotations

from lambdapack.facts.distributions import Recorded, read_distributions
from tests.unit.memory import stack_of


def test_metadata_and_record() -> None:
    stack = stack_of(
        {
            "Py_Thing-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: Py.Thing\nVersion: 1.2\n"
            "Requires-Dist: a>=1\nRequires-Dist: b; extra == 'x'\n\nRequires-Dist: not-a-header\n",
            "Py_Thing-1.2.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: cp313-cp313-manylinux_2_17_x86_64\n",
            "Py_Thing-1.2.dist-info/RECORD": '"with, comma.py",,\nthing.py,sha256=x,1\n../../bin/t,,\n/abs,,\n',
            "thing.py": "",
            "bare-3.dist-info/METADATA": "",
            "empty-1.dist-info/RECORD": "",
        }
    )
    thing, bare = read_distributions(stack, ["/var/task", "/opt/python", "/var/task"])
    assert (thing.name, thing.version, thing.root) == ("py-thing", "1.2", "/var/task")
    assert thing.tags == ("cp313-cp313-manylinux_2_17_x86_64",)
    assert thing.requires == ("a>=1", "b; extra == 'x'")
    assert thing.record == {
        "/var/task/with, comma.py": Recorded(None, None),
        "/var/task/thing.py": Recorded("sha256=x", 1),
        "/bin/t": Recorded(None, None),
    }
    assert list(thing.files) == ["/var/task/with, comma.py", "/var/task/thing.py"]
    assert thing.missing({"/var/task/thing.py": None}) == ("/bin/t", "/var/task/with, comma.py")
    assert (bare.name, bare.version, bare.record) == ("bare", "3", None)
