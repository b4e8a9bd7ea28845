"""Which wheels a target gets, and what is said when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.pylock import Pylock

from lambdapack.builder.choice import choose
from lambdapack.builder.inputs import requirement_inputs
from lambdapack.builder.plan import ResolvedWheel
from lambdapack.builder.uv_command import Lock, index_variables, short_reason, uv_platform, why_no_wheel
from lambdapack.errors import BuildFailed
from lambdapack.profiles.profile import RuntimeProfile
from tests.unit.builder.makers import make_profile, make_wheel, resolve_file, resolve_inputs, resolve_lines

GOOD = "a" * 64


def lock_of(*filenames: str, digest: str = GOOD) -> Lock:
    wheels = [{"url": f"https://index.invalid/{name}", "hashes": {"sha256": digest}} for name in filenames]
    document = {
        "lock-version": "1.0",
        "created-by": "test",
        "packages": [{"name": "thing", "version": "1.0", "wheels": wheels}],
    }
    return Lock(Pylock.from_dict(document), Path(), "")


def chosen_file(lock: Lock, profile: RuntimeProfile) -> str:
    (choice,) = choose(lock, profile)
    assert isinstance(choice, ResolvedWheel)
    return choice.filename


class TestPlatform:
    @pytest.mark.parametrize(
        ("glibc", "minor"), [((2, 26), 28), ((2, 17), 17), ((2, 28), 28), ((2, 30), 31), ((2, 34), 34), ((2, 99), 40)]
    )
    def test_the_oldest_that_takes_whatever_the_target_takes(self, glibc: tuple[int, int], minor: int) -> None:
        assert uv_platform("aarch64", glibc) == f"aarch64-manylinux_2_{minor}"


class TestRealWheels:
    @pytest.mark.parametrize(("architecture", "machine"), [("x86_64", "x86_64"), ("arm64", "aarch64")])
    @pytest.mark.usefixtures("index")
    def test_pydantic_gets_the_native_wheel_of_the_target(
        self, tmp_path: Path, architecture: str, machine: str
    ) -> None:
        found = resolve_lines(tmp_path, "pydantic==2.12.4", profile=make_profile(architecture=architecture))
        assert found["pydantic"].filename == "pydantic-2.12.4-py3-none-any.whl"
        native = found["pydantic-core"]
        assert native.version == "2.41.5"
        assert native.filename.endswith(f"-cp313-cp313-manylinux_2_17_{machine}.manylinux2014_{machine}.whl")
        assert set(found) == {
            "annotated-types",
            "pydantic",
            "pydantic-core",
            "typing-extensions",
            "typing-inspection",
        }
        assert all(len(wheel.sha256) == 64 and wheel.location.startswith("https://") for wheel in found.values())

    @pytest.mark.usefixtures("index")
    def test_a_wheel_for_a_newer_glibc_is_never_replaced_by_an_sdist(self, tmp_path: Path) -> None:
        old = make_profile((3, 11), glibc=(2, 26))
        with pytest.raises(BuildFailed) as caught:
            resolve_lines(tmp_path, "numpy==2.3.3", profile=old)
        message = str(caught.value)
        for part in ("numpy 2.3.3", "python3.11 x86_64", "2.26", "cp311-cp311-manylinux_2_27_x86_64"):
            assert part in message

    @pytest.mark.usefixtures("index")
    def test_a_wheel_of_a_level_that_uv_cannot_say(self, tmp_path: Path) -> None:
        """Amazon Linux 2 has glibc 2.26, and the Linux wheels of this version say 2_26 and nothing older."""
        found = resolve_lines(tmp_path, "duckdb>=1.3,<1.4.3", profile=make_profile((3, 11), glibc=(2, 26)))
        assert found["duckdb"].filename == "duckdb-1.4.2-cp311-cp311-manylinux_2_26_x86_64.manylinux_2_28_x86_64.whl"

    @pytest.mark.usefixtures("index")
    def test_wheels_for_other_pythons_are_no_reason_to_compile(self, tmp_path: Path) -> None:
        """This version has wheels up to Python 3.12, and an sdist, which takes a Fortran compiler and half an hour."""
        with pytest.raises(BuildFailed) as caught:
            resolve_lines(tmp_path, "scipy==1.12.0", profile=make_profile((3, 14)))
        for part in (
            "scipy 1.12.0: no wheel fits python3.14",
            "cp312-cp312-manylinux",
            "python3.12 takes scipy 1.12.0",
        ):
            assert part in str(caught.value)
        assert "from-source" in str(caught.value.hint)

    @pytest.mark.usefixtures("index")
    def test_an_older_version_is_taken_only_with_a_word(self, tmp_path: Path) -> None:
        inputs = requirement_inputs(tmp_path, strings=("numpy>=2.2,<2.3.4",))
        resolution = resolve_inputs(inputs, make_profile((3, 11), glibc=(2, 26)))
        assert [wheel.label for wheel in resolution.wheels] == ["numpy 2.2.6"]
        (note,) = resolution.notes
        for part in ("numpy 2.2.6", "2.3.3", "python3.11 x86_64", "python3.12"):
            assert part in note

    @pytest.mark.usefixtures("index")
    def test_an_sdist_only_requirement_is_built_here_when_it_is_plain_python(self, tmp_path: Path) -> None:
        found = resolve_lines(tmp_path, "num2words==0.5.12")
        assert found["docopt"].filename.endswith("-none-any.whl")
        assert Path(found["docopt"].location).is_file()

    @pytest.mark.usefixtures("index")
    def test_no_such_version_passes_on_what_uv_says(self, tmp_path: Path) -> None:
        with pytest.raises(BuildFailed, match=r"there is no version of pydantic==99"):
            resolve_lines(tmp_path, "pydantic==99")


class TestLocalDistributions:
    def test_nothing_required_is_nothing_asked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("lambdapack.builder.resolve.find_fitting", None)
        assert resolve_lines(tmp_path) == {}

    def test_find_links_and_requirement_files(self, tmp_path: Path, links: Path) -> None:
        make_wheel(links, "one", requires=("two",))
        make_wheel(links, "two", version="1.5")
        make_wheel(links, "two", version="2.0")
        (tmp_path / "constraints.txt").write_text("two<2\n")
        (tmp_path / "more.txt").write_text("one # of two\n")
        (tmp_path / "requirements.txt").write_text("-c constraints.txt\n-r more.txt\n")
        wheels = resolve_file(tmp_path / "requirements.txt").wheels
        assert [wheel.label for wheel in wheels] == ["one 1.0", "two 1.5"]

    def test_a_wheel_named_by_its_path(self, tmp_path: Path) -> None:
        wheel = make_wheel(tmp_path / "wheels", "named")
        found = resolve_lines(tmp_path, "./wheels/named-1.0-py3-none-any.whl")["named"]
        assert found.location == wheel.location
        assert found.sha256 == wheel.sha256

    @pytest.mark.parametrize("tag", ["cp311-cp311-manylinux_2_17_x86_64", "cp313-cp313-manylinux_2_17_aarch64"])
    def test_a_wheel_for_something_else_is_refused_by_its_tag(self, tmp_path: Path, links: Path, tag: str) -> None:
        make_wheel(links, "native", tag=tag)
        with pytest.raises(BuildFailed) as caught:
            resolve_lines(tmp_path, "native==1.0")
        assert "native 1.0: no wheel fits python3.13 x86_64" in str(caught.value)
        assert tag in str(caught.value)

    def test_the_user_s_output_file_does_not_matter(self, tmp_path: Path, links: Path) -> None:
        make_wheel(links, "one")
        (tmp_path / "uv.toml").write_text('[pip]\noutput-file = "elsewhere.txt"\nuniversal = true\n')
        assert set(resolve_lines(tmp_path, "one")) == {"one"}
        assert not (tmp_path / "elsewhere.txt").exists()

    def test_an_unreachable_index(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("UV_DEFAULT_INDEX", "http://user:hush@127.0.0.1:9/simple")
        monkeypatch.setenv("UV_HTTP_RETRIES", "0")
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with pytest.raises(BuildFailed) as caught:
            resolve_lines(tmp_path, "six")
        assert "127.0.0.1:9" in str(caught.value)
        assert "hush" not in str(caught.value)
        assert caught.value.hint is not None


class TestHashes:
    def test_a_pinned_hash_is_held_against_the_wheel(self, tmp_path: Path, links: Path) -> None:
        wheel = make_wheel(links, "pinned")
        requirements = tmp_path / "requirements.txt"
        for digest, fits in ((wheel.sha256, True), ("0" * 64, False)):
            requirements.write_text(f"pinned==1.0 \\\n    --hash=sha256:{digest}\n")
            if fits:
                assert resolve_file(requirements).wheels == (
                    ResolvedWheel("pinned", "1.0", wheel.filename, Path(wheel.location).as_uri(), wheel.sha256),
                )
            else:
                with pytest.raises(BuildFailed, match=r"pinned 1\.0"):
                    resolve_file(requirements)

    def test_one_hash_asks_for_all(self, tmp_path: Path, links: Path) -> None:
        pinned = make_wheel(links, "pinned", requires=("loose",))
        make_wheel(links, "loose")
        (tmp_path / "r.txt").write_text(f"pinned==1.0 --hash=sha256:{pinned.sha256}\n")
        with pytest.raises(BuildFailed, match=r"loose 1\.0"):
            resolve_file(tmp_path / "r.txt")


class TestChoice:
    def test_the_newest_platform_and_own_abi_come_first(self) -> None:
        names = [
            "thing-1.0-py3-none-any.whl",
            "thing-1.0-cp39-abi3-manylinux_2_34_x86_64.whl",
            "thing-1.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "thing-1.0-cp313-cp313-manylinux_2_28_x86_64.whl",
            "thing-1.0-cp313-cp313t-manylinux_2_34_x86_64.whl",
            "thing-1.0-cp313-cp313-manylinux_2_35_x86_64.whl",
            "thing-1.0-cp313-cp313-musllinux_1_2_x86_64.whl",
            "thing-1.0-cp313-cp313-linux_x86_64.whl",
        ]
        for order in (names, names[::-1]):
            assert chosen_file(lock_of(*order), make_profile()) == names[3]

    def test_amazon_linux_2_takes_a_level_that_uv_cannot_say(self) -> None:
        name = "thing-1.0-cp311-cp311-manylinux_2_24_x86_64.whl"
        old = make_profile((3, 11), glibc=(2, 26))
        assert chosen_file(lock_of(name, "thing-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"), old) == name

    def test_no_hash_no_wheel(self) -> None:
        with pytest.raises(BuildFailed, match="SHA-256"):
            choose(lock_of("thing-1.0-py3-none-any.whl", digest=""), make_profile())


class TestReasons:
    def test_which_distribution_has_no_wheel(self) -> None:
        stderr = (
            "error: No solution found when resolving dependencies\n"
            "  cause: Because docopt==0.6.2 has no usable wheels and only docopt<=0.6.2 is available, we can conclude\n"
            "         that docopt>=0.6.2 cannot be used.\n"
            "         And because num2words==0.5.12 depends on docopt>=0.6.2 and you require num2words==0.5.12, we\n"
            "         can conclude that your requirements are unsatisfiable.\n\n"
            "hint: Wheels are required for `docopt` because building from source is disabled for all packages\n"
        )
        missing = why_no_wheel(stderr)
        assert missing is not None
        assert (missing.name, missing.version, missing.parent) == ("docopt", "0.6.2", "num2words 0.5.12")

    def test_one_line_without_passwords(self) -> None:
        stderr = (
            "warning: x\nerror: Failed to fetch: https://me:secret@host/simple/\n  cause: refused\n  cause: os error\n"
        )
        assert short_reason(stderr) == "Failed to fetch: https://host/simple/: refused: os error"
        assert len(short_reason("error: " + "word " * 500)) < 500


def test_index_options_as_variables_of_uv() -> None:
    options = [
        "--index-url https://a/?x=1",
        "--extra-index-url=https://b",
        "--extra-index-url https://c",
        "-f d",
        "--pre",
    ]
    assert index_variables(options) == {
        "UV_DEFAULT_INDEX": "https://a/?x=1",
        "UV_INDEX": "https://b https://c",
        "UV_FIND_LINKS": "d",
    }


class TestLevels:
    """Levels between those that uv can say, on a target with glibc 2.26, with wheels made for it."""

    OLD = make_profile((3, 11), glibc=(2, 26))

    def offer(self, folder: Path, name: str, *versions: tuple[str, int]) -> None:
        for version, minor in versions:
            make_wheel(folder, name, version=version, tag=f"cp311-cp311-manylinux_2_{minor}_x86_64")

    def taken(self, folder: Path, *lines: str) -> tuple[list[str], tuple[str, ...]]:
        found = resolve_inputs(requirement_inputs(folder, strings=lines), self.OLD)
        return [wheel.label for wheel in found.wheels], found.notes

    def test_uv_s_names_for_a_target(self) -> None:
        assert uv_platform("x86_64", (2, 26), below=True) == "x86_64-manylinux_2_17"
        assert uv_platform("x86_64", (2, 34), below=True) == "x86_64-manylinux_2_34"

    def test_the_newest_that_fits_is_taken_whatever_its_level(self, tmp_path: Path, links: Path) -> None:
        self.offer(links, "stepwise", ("1.0", 17), ("1.1", 24), ("1.2", 26), ("1.3", 27), ("2.0", 28), ("2.1", 34))
        labels, notes = self.taken(tmp_path, "stepwise")
        assert labels == ["stepwise 1.2"]
        assert ["stepwise 1.2 is taken, not 2.0" in note for note in notes] == [True]

    def test_a_wheel_only_version_without_an_older_level(self, tmp_path: Path, links: Path) -> None:
        self.offer(links, "between", ("1.0", 26), ("1.1", 27))
        assert self.taken(tmp_path, "between")[0] == ["between 1.0"]

    def test_the_last_patch_that_fits_in_a_series(self, tmp_path: Path, links: Path) -> None:
        self.offer(links, "patched", ("1.4.0", 17), ("1.4.1", 17), ("1.4.2", 28), ("1.4.3", 28), ("1.5.0", 28))
        assert self.taken(tmp_path, "patched")[0] == ["patched 1.4.1"]

    def test_what_holds_it_back_is_told_of_what_requires_it_too(self, tmp_path: Path, links: Path) -> None:
        self.offer(links, "core", ("1.0", 17), ("2.0", 28))
        make_wheel(links, "outer", version="1.0", requires=("core==1.0",))
        make_wheel(links, "outer", version="2.0", requires=("core==2.0",))
        labels, notes = self.taken(tmp_path, "outer")
        assert labels == ["core 1.0", "outer 1.0"]
        assert any("outer 1.0 is taken, not 2.0, since core 2.0 has no wheel" in note for note in notes)

    def test_no_version_fits(self, tmp_path: Path, links: Path) -> None:
        self.offer(links, "modern", ("1.0", 28), ("2.0", 34))
        with pytest.raises(BuildFailed, match=r"modern 1\.0: no wheel fits python3\.11 x86_64"):
            self.taken(tmp_path, "modern")
