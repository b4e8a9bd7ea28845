"""The room of a local attempt: this machine's interpreter at Lambda's places, and nothing else of this machine.

Knows where Lambda has its interpreter, libraries and packages. Starts nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

from lambdapack.importtest import bootstrap, observation, probe
from lambdapack.importtest.backend import LAYER_ROOT, TASK_ROOT, AttemptRequest
from lambdapack.importtest.layout import Layout
from lambdapack.importtest.provision import Provision
from lambdapack.importtest.room import GROUP, PRIVATE, USER, Room, Step

_SCRIPTS = (Path(probe.__file__), Path(observation.__file__), Path(bootstrap.__file__))

_ETC = {
    "passwd": f"root:x:0:0:root:/root:/bin/bash\nsbx_user1051:x:{USER}:{GROUP}::/home/sbx_user1051:/sbin/nologin\n",
    "group": f"root:x:0:\nslicer:x:{GROUP}:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
# Data that the C library and Python's ssl look for; none of it is code.
_DATA = ("/usr/share/zoneinfo", "/usr/lib/locale", "/etc/ssl", "/etc/pki")


def packages_folder(request: AttemptRequest) -> str:
    """Where the runtime keeps its own packages: beside the interpreter since 3.11, before that in /var/runtime."""
    major, minor = request.profile.python
    return f"/var/lang/lib/python{major}.{minor}/site-packages" if (major, minor) >= (3, 11) else "/var/runtime"


def local_room(layout: Layout, provision: Provision, copied: Path, workspace: Path) -> Room:
    """Returns the room for one attempt. `copied` holds the artifact; files that are made for it go to `workspace`."""
    request = layout.request
    python = "python{}.{}".format(*request.profile.python)
    library = f"/var/lang/{Path(provision.library).parent.name}/{python}"
    steps: list[Step] = [
        ("read", "/lib64", str(provision.folder / "lib64")),
        ("link", "/usr/lib64", "../lib64"),
        ("read", f"/var/lang/bin/{python}", str(provision.folder / "python")),
        *(("read", f"/var/lang/lib/{name}", str(provision.folder / "lang" / name)) for name in provision.private),
        ("read", library, provision.library),
    ]
    loader = Path(provision.loader)
    if str(loader.parent) != "/lib64":
        steps.append(("link", str(loader), f"/lib64/{loader.name}"))
    if Path(provision.library, "lib-dynload").is_dir():
        steps.append(("read", f"{library}/lib-dynload", str(provision.folder / "lib-dynload")))
    own = packages_folder(request)
    empty = workspace / "empty"
    empty.mkdir()
    empty.chmod(0o755)
    if Path(provision.library, "site-packages").is_dir() or library not in own:
        folder = request.runtime_packages or empty
        steps.append(("read", own, str(folder)))
    if "/var/lang" not in own and Path(provision.library, "site-packages").is_dir():
        steps.append(("read", f"{library}/site-packages", str(empty)))
    etc = workspace / "etc"
    etc.mkdir()
    for name, content in _ETC.items():
        (etc / name).write_text(content, "ascii")
        (etc / name).chmod(0o644)
        steps.append(("read", f"/etc/{name}", str(etc / name)))
    steps += [("read", folder, folder) for folder in _DATA if Path(folder).is_dir()]
    steps.append(("link", "/etc/localtime", "../usr/share/zoneinfo/UTC"))
    steps += [("read", mount, str(copied / mount.strip("/"))) for mount in (TASK_ROOT, LAYER_ROOT)]
    steps += [("read", f"{PRIVATE}/{path.name}", str(path)) for path in _SCRIPTS]
    steps.append(("write", f"{PRIVATE}/channel", str(workspace / "channel")))
    return Room(
        tuple(steps),
        (f"/var/lang/bin/{python}", "-I", "-S", "-B", "-u", f"{PRIVATE}/probe.py"),
        layout.environment,
        TASK_ROOT,
    )


def invoking_command(layout: Layout) -> tuple[str, tuple[str, ...]]:
    """Returns the interpreter of the room, and the command that the emulator is to start there."""
    profile = layout.request.profile
    python = "/var/lang/bin/python{}.{}".format(*profile.python)
    plan = {"path": layout.python_path, "site": layout.path_config_dirs, "task": TASK_ROOT}
    return python, (python, "-I", "-S", "-B", "-u", f"{PRIVATE}/{_SCRIPTS[-1].name}", json.dumps(plan))
