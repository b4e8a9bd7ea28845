"""The facts: what the documentation of Lambda and the lists of its file systems say stands in the profiles."""

from __future__ import annotations

import pytest

from lambdapack.profiles import ARCHITECTURES, RuntimeProfile, known_runtimes, load_profile

RUNTIMES = [f"python3.{minor}" for minor in range(9, 16)]
AL2 = RUNTIMES[:3]
AL2023 = RUNTIMES[3:]


def every_profile() -> list[RuntimeProfile]:
    return [load_profile(runtime, architecture) for runtime in known_runtimes() for architecture in ARCHITECTURES]


@pytest.fixture(params=every_profile(), ids=lambda profile: profile.identifier)
def profile(request: pytest.FixtureRequest) -> RuntimeProfile:
    assert isinstance(request.param, RuntimeProfile)
    return request.param


def test_operating_system_and_glibc(profile: RuntimeProfile) -> None:
    old = profile.runtime in AL2
    assert profile.operating_system == ("Amazon Linux 2" if old else "Amazon Linux 2023")
    assert profile.glibc == ((2, 26) if old else (2, 34))
    assert profile.python == (3, int(profile.runtime.removeprefix("python3.")))
    assert profile.machine == {"x86_64": "x86_64", "arm64": "aarch64"}[profile.architecture]


def test_symbol_ceilings(profile: RuntimeProfile) -> None:
    old = profile.runtime in AL2
    assert profile.symbol_ceilings["GLIBCXX"] == ((3, 4, 24) if old else (3, 4, 29))
    assert profile.symbol_ceilings["CXXABI"] == ((1, 3, 11) if old else (1, 3, 13))
    assert profile.symbol_ceilings_newest["GLIBCXX"] == ((3, 4, 24) if old else (3, 4, 33))
    assert profile.symbol_ceilings_newest["CXXABI"] == ((1, 3, 11) if old else (1, 3, 15))
    for prefix, ceiling in profile.symbol_ceilings.items():
        assert ceiling <= profile.symbol_ceilings_newest[prefix]


def test_quotas(profile: RuntimeProfile) -> None:
    assert profile.quotas.zipped_bytes == 52_428_800
    assert profile.quotas.unzipped_bytes == 262_144_000
    assert profile.quotas.image_bytes == 10 * 1024**3
    assert profile.quotas.layers == 5


def test_wheel_tags_of_the_target(profile: RuntimeProfile) -> None:
    tags = profile.wheel_tags
    cp = f"cp3{profile.python[1]}"
    machine = profile.machine
    assert tags[0] == f"{cp}-{cp}-manylinux_2_{profile.glibc[1]}_{machine}"
    assert len(set(tags)) == len(tags)
    assert f"{cp}-abi3-manylinux2014_{machine}" in tags
    assert f"cp37-abi3-manylinux_2_17_{machine}" in tags
    assert f"py3-none-manylinux_2_17_{machine}" in tags
    assert f"{cp}-none-any" in tags
    assert "py3-none-any" in tags
    assert "py2-none-any" not in tags
    assert f"{cp}-{cp}-manylinux_2_{profile.glibc[1] + 1}_{machine}" not in tags
    assert not any("musllinux" in tag or tag.endswith(f"-linux_{machine}") for tag in tags)
    assert not any(tag.split("-")[1].endswith("t") for tag in tags), "free threading is disabled in Lambda's builds"
    oldest = f"{cp}-{cp}-manylinux1_{machine}"
    assert (oldest in tags) == (profile.architecture == "x86_64")


def test_wheel_tags_are_in_the_order_of_an_installer(profile: RuntimeProfile) -> None:
    cp = f"cp3{profile.python[1]}"
    machine = profile.machine
    order = [
        f"{cp}-{cp}-manylinux_2_18_{machine}",
        f"{cp}-{cp}-manylinux_2_17_{machine}",
        f"{cp}-{cp}-manylinux2014_{machine}",
        f"{cp}-abi3-manylinux_2_18_{machine}",
        f"{cp}-none-manylinux_2_17_{machine}",
        f"cp38-abi3-manylinux_2_17_{machine}",
        f"py3-none-manylinux_2_17_{machine}",
        f"{cp}-none-any",
        "py3-none-any",
    ]
    places = [profile.wheel_tags.index(tag) for tag in order]
    assert places == sorted(places)


def test_extension_suffixes(profile: RuntimeProfile) -> None:
    minor, machine = profile.python[1], profile.machine
    suffixes = profile.extension_suffixes
    assert suffixes[0] == f".cpython-3{minor}-{machine}-linux-gnu.so"
    assert suffixes[-1] == ".so"
    assert ".abi3.so" in suffixes
    if minor < 15:
        assert len(suffixes) == 3
    else:
        assert suffixes[1:5] == (
            f".abi3-{machine}-linux-gnu.so",
            ".abi3.so",
            f".abi3t-{machine}-linux-gnu.so",
            ".abi3t.so",
        )


@pytest.mark.parametrize(
    ("module", "first", "last"),
    [
        ("parser", 9, 9),
        ("binhex", 9, 10),
        ("imp", 9, 11),
        ("distutils", 9, 11),
        ("distutils.version", 9, 11),
        ("asyncore", 9, 11),
        ("asynchat", 9, 11),
        ("smtpd", 9, 11),
        ("lib2to3.pgen2.driver", 9, 12),
        ("typing.io", 9, 12),
        ("cgi", 9, 12),
        ("cgitb", 9, 12),
        ("crypt", 9, 12),
        ("imghdr", 9, 12),
        ("telnetlib", 9, 12),
        ("pipes", 9, 12),
        ("nntplib", 9, 12),
        ("sndhdr", 9, 12),
        ("uu", 9, 12),
        ("xdrlib", 9, 12),
        ("audioop", 9, 12),
        ("aifc", 9, 12),
        ("chunk", 9, 12),
        ("mailcap", 9, 12),
        ("msilib", 0, 0),
        ("nis", 9, 12),
        ("ossaudiodev", 9, 12),
        ("spwd", 9, 12),
        ("sunau", 9, 12),
        ("_crypt", 9, 12),
        ("sre_compile", 9, 14),
        ("importlib.metadata._adapters", 10, 15),
        ("tomllib", 11, 15),
        ("tomllib._parser", 11, 15),
        ("wsgiref.types", 11, 15),
        ("zipfile._path", 12, 15),
        ("dbm.sqlite3", 13, 15),
        ("annotationlib", 14, 15),
        ("compression.zstd", 14, 15),
        ("concurrent.interpreters", 14, 15),
        ("string.templatelib", 14, 15),
        ("pathlib.types", 14, 15),
        ("profiling.sampling", 15, 15),
        ("__main__", 9, 15),
        ("os.path", 9, 15),
        ("xml.etree.ElementTree", 9, 15),
        ("xml.parsers.expat.errors", 9, 15),
        ("concurrent.futures.thread", 9, 15),
        ("encodings.idna", 9, 15),
        ("collections.abc", 9, 15),
        ("email.mime.multipart", 9, 15),
        ("unittest.mock", 9, 15),
        ("multiprocessing.dummy.connection", 9, 15),
        ("asyncio.windows_events", 9, 15),
        ("_ssl", 9, 15),
        ("_gdbm", 9, 15),
        ("zoneinfo._common", 9, 15),
        ("winreg", 0, 0),
        ("msvcrt", 0, 0),
        ("_winapi", 0, 0),
        ("nt", 0, 0),
        ("_scproxy", 0, 0),
        ("typing_extensions", 0, 0),
        ("setuptools", 0, 0),
        ("sitecustomize", 0, 0),
        ("requests", 0, 0),
    ],
)
def test_standard_module_exists_from_to(module: str, first: int, last: int) -> None:
    for profile in every_profile():
        assert (module in profile.stdlib_modules) == (first <= profile.python[1] <= last), profile.identifier


def test_every_parent_of_a_standard_module_is_one_too(profile: RuntimeProfile) -> None:
    parents = {name.rpartition(".")[0] for name in profile.stdlib_modules if "." in name}
    assert parents <= profile.stdlib_modules


def test_builtin_and_preloaded_modules(profile: RuntimeProfile) -> None:
    assert {"sys", "time", "errno", "builtins", "posix", "_thread", "_io"} <= profile.builtin_modules
    assert not {"math", "json", "os", "re"} & profile.builtin_modules
    assert profile.builtin_modules <= profile.stdlib_modules
    assert {"json", "logging", "os", "re", "enum", "types", "warnings", "collections.abc"} <= profile.preloaded_modules
    # Not imported before /var/task is on the path: a file of that name hides them.
    assert not {"calendar", "code", "argparse", "asyncio", "random", "typing", "uuid"} & profile.preloaded_modules
    assert profile.preloaded_modules <= profile.stdlib_modules


@pytest.mark.parametrize(
    ("soname", "old", "new"),
    [
        # (in the image, in the managed runtime) on AL2 and AL2023; None: not in either, so not in the profile.
        ("libc.so.6", (True, True), (True, True)),
        ("libm.so.6", (True, True), (True, True)),
        ("libpthread.so.0", (True, True), (True, True)),
        ("libdl.so.2", (True, True), (True, True)),
        ("librt.so.1", (True, True), (True, True)),
        ("libutil.so.1", (True, True), (True, True)),
        ("libresolv.so.2", (True, True), (True, True)),
        ("libstdc++.so.6", (True, True), (True, True)),
        ("libgcc_s.so.1", (True, True), (True, True)),
        ("libz.so.1", (True, True), (True, True)),
        ("libssl.so.10", (True, True), None),
        ("libcrypto.so.10", (True, True), None),
        ("libssl.so.3", None, (True, None)),
        ("libcrypto.so.3", None, (True, None)),
        ("libssl.so.1.1", None, None),
        ("libffi.so.6", (True, True), None),
        ("libffi.so.8", None, (True, None)),
        ("libexpat.so.1", (True, False), None),
        ("libxml2.so.2", (True, False), (True, None)),
        ("libcurl.so.4", (True, False), (True, None)),
        ("libbz2.so.1", (True, False), (True, None)),
        ("libuuid.so.1", (True, False), (True, None)),
        ("libcrypt.so.1", (True, False), None),
        ("libcrypt.so.2", None, None),
        ("libglib-2.0.so.0", (True, False), (True, None)),
        ("libgobject-2.0.so.0", (True, False), (True, False)),
        ("libgpg-error.so.0", (True, False), (True, False)),
        ("libgpgme.so.11", (True, False), (True, False)),
        ("libnsl.so.1", (True, True), None),
        ("libgomp.so.1", None, None),
        ("libatomic.so.1", None, None),
        ("libGL.so.1", None, None),
        ("libX11.so.6", None, None),
        ("libpq.so.5", None, None),
        ("libldap-2.4.so.2", (True, False), None),
        ("libyaml-0.so.2", None, (True, None)),
        ("libzstd.so.1", None, (True, None)),
        ("libpython2.7.so.1.0", (True, False), None),
        # In /lib64 only of the image, but also in /var/lang/lib.
        ("libsqlite3.so.0", (True, True), (True, None)),
        ("liblzma.so.5", (True, True), (True, None)),
    ],
)
def test_library(soname: str, old: tuple[bool, bool | None] | None, new: tuple[bool, bool | None] | None) -> None:
    for profile in every_profile():
        library = profile.libraries.get(soname)
        found = None if library is None else (library.in_image, library.in_managed)
        assert found == (old if profile.runtime in AL2 else new), profile.identifier


def test_loader_and_libmvec_belong_to_the_architecture(profile: RuntimeProfile) -> None:
    mine, other = "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"
    if profile.architecture == "arm64":
        mine, other = other, mine
    assert profile.libraries[mine].in_image
    assert profile.libraries[mine].in_managed is True
    assert other not in profile.libraries
    assert ("libmvec.so.1" in profile.libraries) == (profile.architecture == "x86_64")


def test_libpython_of_the_runtime_only(profile: RuntimeProfile) -> None:
    minor = profile.python[1]
    assert profile.libraries[f"libpython3.{minor}.so.1.0"].in_managed is True
    assert not any(name.startswith(f"libpython3.{minor + 1}") for name in profile.libraries)


def test_libraries_are_named_by_their_file(profile: RuntimeProfile) -> None:
    assert all(soname == library.soname for soname, library in profile.libraries.items())
    assert all(".so" in soname and not soname.endswith((".hmac", ".chk")) for soname in profile.libraries)


def test_knowledge_is_not_overstated() -> None:
    arm = load_profile("python3.11", "arm64").provenance
    assert arm["libraries"].knowledge == "derived"
    assert load_profile("python3.11", "x86_64").provenance["libraries"].knowledge == "confirmed"
    assert all(known.provenance["libraries.in_managed"].knowledge != "confirmed" for known in every_profile())
    assert load_profile("python3.15", "x86_64").provenance["lifecycle"].knowledge == "unconfirmed"
    assert load_profile("python3.15", "x86_64").provenance["extension_suffixes"].knowledge == "derived"
    assert load_profile("python3.14", "x86_64").provenance["python_path"].knowledge == "derived"


def test_search_path_of_newer_runtimes() -> None:
    profile = load_profile("python3.13", "arm64")
    assert profile.python_path == (
        "/var/task",
        "/opt/python/lib/python3.13/site-packages",
        "/opt/python",
        "/var/lang/lib/python3.13/site-packages",
        "/var/runtime",
        "/var/lang/lib/python313.zip",
        "/var/lang/lib/python3.13",
        "/var/lang/lib/python3.13/lib-dynload",
    )


def test_search_path_of_older_runtimes() -> None:
    profile = load_profile("python3.10", "x86_64")
    assert profile.python_path == (
        "/var/task",
        "/opt/python/lib/python3.10/site-packages",
        "/opt/python",
        "/var/runtime",
        "/var/lang/lib/python310.zip",
        "/var/lang/lib/python3.10",
        "/var/lang/lib/python3.10/lib-dynload",
        "/var/lang/lib/python3.10/site-packages",
    )


def test_other_paths(profile: RuntimeProfile) -> None:
    expected = "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
    assert profile.library_path == tuple(expected.split(":"))
    assert profile.system_library_dirs == ("/lib64", "/usr/lib64")
    assert {"/var/task", "/opt/python"} <= set(profile.path_config_dirs)
    assert not any("{" in path for path in (*profile.python_path, *profile.path_config_dirs, profile.image))


def test_preinstalled(profile: RuntimeProfile) -> None:
    certain = {module for known in profile.preinstalled if known.certain for module in known.modules}
    maybe = {module for known in profile.preinstalled if not known.certain for module in known.modules}
    expected = {
        "awslambdaric",
        "boto3",
        "botocore",
        "s3transfer",
        "jmespath",
        "dateutil",
        "six",
        "urllib3",
        "simplejson",
    }
    assert expected <= certain
    assert not {"requests", "numpy", "pandas", "cryptography", "yaml"} & (certain | maybe)
    assert not certain & maybe
    if profile.runtime == "python3.11":
        assert {"pkg_resources", "setuptools", "_distutils_hack", "pip", "snapshot_restore_py"} <= certain
    else:
        assert {"pkg_resources", "setuptools", "_distutils_hack"} <= maybe
    if profile.runtime in AL2023:
        assert {"pip", "snapshot_restore_py"} <= certain
        assert all(known.version is None for known in profile.preinstalled)


def test_lifecycle() -> None:
    dates = {
        "python3.9": ("deprecated", "2025-12-15", "2027-02-01", "2027-03-03"),
        "python3.10": ("deprecated", "2026-10-31", "2027-02-01", "2027-03-03"),
        "python3.11": ("supported", "2027-06-30", "2027-07-31", "2027-08-31"),
        "python3.12": ("supported", "2028-10-31", "2028-11-30", "2029-01-10"),
        "python3.13": ("supported", "2029-06-30", "2029-07-31", "2029-08-31"),
        "python3.14": ("supported", "2029-06-30", "2029-07-31", "2029-08-31"),
        "python3.15": ("preview", None, None, None),
    }
    for profile in every_profile():
        known = profile.lifecycle
        assert (known.status, known.deprecation, known.block_create, known.block_update) == dates[profile.runtime]
        if known.deprecation is not None:
            assert (known.deprecation <= known.as_of) == (known.status == "deprecated")


def test_image() -> None:
    assert load_profile("python3.13", "x86_64").image == "public.ecr.aws/lambda/python:3.13"
    assert load_profile("python3.15", "arm64").image == "public.ecr.aws/lambda/python:3.15-preview"


def test_architectures_differ_only_where_they_must() -> None:
    for runtime in RUNTIMES:
        x86, arm = load_profile(runtime, "x86_64"), load_profile(runtime, "arm64")
        assert x86.stdlib_modules ^ arm.stdlib_modules == {
            "_sysconfigdata__linux_x86_64-linux-gnu",
            "_sysconfigdata__linux_aarch64-linux-gnu",
        }
        assert (x86.builtin_modules, x86.preinstalled, x86.python_path) == (
            arm.builtin_modules,
            arm.preinstalled,
            arm.python_path,
        )
