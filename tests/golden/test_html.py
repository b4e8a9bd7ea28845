"""The HTML report in a real browser: drawn, filtered, zoomed and walked through by keyboard, without a network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page

from tests.golden.conftest import Lambdapack


@pytest.fixture
def report(lambdapack: Lambdapack, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The URL of a report on an artifact with one error, one shadowed module, and data of two distributions."""
    source = tmp_path / "src"
    for name in ("big", "small"):
        (source / name).mkdir(parents=True)
        (source / name / "__init__.py").write_text("X = 1\n")
        (source / name / "data.bin").write_bytes(bytes(90_000 if name == "big" else 9_000))
        info = source / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "RECORD").write_text(f"{name}/__init__.py,,\n{name}/data.bin,,\n{name}-1.0.dist-info/METADATA,,\n")
    (source / "typing.py").write_text("Any = None\n")
    (source / "handler.py").write_text("import big\nimport not_there\ndef lambda_handler(event, context): ...\n")
    (source / "<").mkdir()
    (source / "<" / "script><b>@SCRIPT@.txt").write_text("of a path that a careless page would take for its own")
    written = tmp_path / "report.html"
    run = lambdapack(
        *("inspect", source, "--runtime", "python3.13", "--handler", "handler.lambda_handler"),
        *("--report", f"html={written}", *getattr(request, "param", ())),
    )
    assert run.status == 1, run.err
    return written.as_uri()


def test_findings_are_shown_and_filtered(page: Page, report: str) -> None:
    page.goto(report)
    assert page.locator("#verdict").inner_text() == "Fails"
    findings = page.locator(".finding")
    assert findings.count() == 2
    assert "not_there" in findings.first.inner_text()
    page.get_by_role("button", name="1 warning").click()
    assert findings.count() == 1
    page.get_by_label("Filter the findings").fill("nothing has this text")
    assert findings.count() == 0
    page.get_by_label("Filter the findings").fill("imp001")
    assert findings.count() == 1
    page.get_by_text("About IMP001").click()
    assert page.get_by_text("How to fix it").is_visible()


def test_the_treemap_is_zoomed_by_mouse_and_by_keyboard(page: Page, report: str) -> None:
    page.goto(report)
    trail = page.locator("#treemap-trail")
    groups = page.locator("#treemap [role=button]")
    sizes = [groups.nth(n).bounding_box() for n in range(2)]
    assert all(size is not None for size in sizes)
    assert sizes[0]["width"] * sizes[0]["height"] > 5 * sizes[1]["width"] * sizes[1]["height"]  # type: ignore[index]
    groups.first.click()
    assert re.match(r"artifact\s*›\s*big", trail.inner_text())
    page.keyboard.press("Escape")
    assert trail.inner_text().startswith("artifact")
    assert "›" not in trail.inner_text()
    groups.first.focus()
    page.keyboard.press("Enter")
    assert re.match(r"artifact\s*›\s*big", trail.inner_text())


def test_distributions_are_sorted(page: Page, report: str) -> None:
    page.goto(report)
    names = page.locator("#distributions tbody td:first-child")
    assert names.all_inner_texts() == ["big", "small"]
    page.get_by_role("button", name="Size").click()
    assert names.all_inner_texts() == ["small", "big"]


def test_what_files_are_called_stays_text(page: Page, report: str) -> None:
    page.goto(report)
    assert page.locator("main b script, main script").count() == 0
    assert page.evaluate("JSON.parse(document.getElementById('data').textContent).reports.length") == 1


@pytest.mark.parametrize("report", [("--runtime", "python3.12")], indirect=True)
def test_one_page_for_several_runtimes(page: Page, report: str) -> None:
    page.goto(report)
    page.get_by_label("Report", exact=True).select_option(index=1)
    assert "python3.12" in page.locator("#head").inner_text() or "python3.13" in page.locator("#head").inner_text()
    assert page.get_by_label("Report", exact=True).locator("option").count() == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_on_colours_can_be_read(page: Page, report: str, scheme: Literal["light", "dark"]) -> None:
    """White stands on each colour of the treemap: WCAG wants a contrast of 4.5."""
    page.emulate_media(color_scheme=scheme)
    page.goto(report)
    for use in ("import", "python", "native", "data"):
        colour = page.locator(f".legend .use-{use}").evaluate("(node) => getComputedStyle(node).backgroundColor")
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert 1.05 / (luminance + 0.05) >= 4.5, use


def test_dark_and_narrow(page: Page, report: str) -> None:
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 360, "height": 700})
    page.goto(report)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(map(int, re.findall(r"\d+", ground)[:3])) < 64
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_drawing_is_one_stop_for_tab(page: Page, report: str) -> None:
    page.goto(report)
    tiles = page.locator("#treemap [tabindex]")
    assert tiles.count() > 2
    assert page.locator("#treemap [tabindex='0']").count() == 1
    tiles.first.focus()
    first = tiles.first.get_attribute("aria-label")
    page.keyboard.press("End")
    focused = "document.activeElement.getAttribute('aria-label')"
    assert page.evaluate(focused) == tiles.last.get_attribute("aria-label") != first
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) not in (None, first)
    assert page.locator("#treemap [tabindex='0']").count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.getElementById('treemap').contains(document.activeElement)") is False
