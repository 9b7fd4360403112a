"""The documentation: the site is whole and needs no network; the tutorial prints what it says."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pytest

import hfs_vision
from hfs_vision.cli import cli
from hfs_vision.landmarks.mediapipe_models import carries_face_mesh
from tests.cli.support import posix_only
from tests.golden import tutorial
from tests.once import once
from tests.paths import ROOT

# The site

ASSETS = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}
LINKS = ASSETS | {("a", "href")}


@dataclass
class Read(HTMLParser):
    """What a page links to, loads and can be linked at."""

    links: list[str] = field(default_factory=list)
    assets: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            if (tag, name) in LINKS and value:
                self.links.append(value)
            if (tag, name) in ASSETS and value:
                self.assets.append(value)


@cache
def read(page: Path) -> Read:
    reader = Read()
    reader.feed(page.read_text(encoding="utf-8"))
    return reader


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `.ci/docs` builds it; a warning fails it."""
    pytest.importorskip(
        "mkdocstrings", reason='pip install "hfs-vision[docs]" brings what builds it'
    )

    def build(folder: Path) -> None:
        done = subprocess.run(
            [ROOT / ".ci" / "docs", folder],
            env={**os.environ, "PYTHON": sys.executable},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stdout

    return once(tmp_path_factory, "site", build)


def pages(site: Path) -> list[Path]:
    found = [page for page in site.rglob("*.html") if page.name != "404.html"]
    assert len(found) > 20
    return found


def commands(context: click.Context) -> Iterator[click.Context]:
    if not isinstance(context.command, click.Group):
        return
    for name in context.command.list_commands(context):
        command = context.command.get_command(context, name)
        below = click.Context(command, info_name=name, parent=context)
        yield below
        yield from commands(below)


@posix_only
def test_every_command_and_every_option_is_on_the_page_of_commands(site):
    page = site / "cli.html"
    text = html.unescape(page.read_text(encoding="utf-8"))
    found = list(commands(click.Context(cli, info_name="hfs-vision")))
    assert len(found) > 15
    for context in found:
        anchor = context.command_path.replace(" ", "-")
        assert anchor in read(page).ids
        section = text.split(f' id="{anchor}"', 1)[1]
        section = re.split(r"<h[2-9] id=", section)[0]
        for parameter in context.command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert re.search(rf"<code>[^<]*{parameter.opts[-1]}\b", section), parameter.opts


@posix_only
def test_every_public_name_and_every_setting_is_on_the_page_of_python(site):
    ids = read(site / "api.html").ids
    assert {f"hfs_vision.{name}" for name in hfs_vision.__all__} <= ids
    assert {f"hfs_vision.Settings.{f.name}" for f in fields(hfs_vision.Settings)} <= ids


@posix_only
def test_every_link_of_the_site_leads_somewhere(site):
    broken = set()
    for page in pages(site):
        for link in read(page).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            anchors = read(target).ids if target.suffix == ".html" and target.is_file() else set()
            if not target.is_file() or (anchors and anchor and anchor not in anchors):
                broken.add((page.name, link))
    assert broken == set()


@posix_only
def test_the_site_loads_nothing_from_outside(site):
    for page in pages(site):
        for asset in read(page).assets:
            assert not urlsplit(asset).netloc, (page.name, asset)
    sheets = list(site.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", text), sheet.name


# The files


def documents() -> list[Path]:
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "models").glob("*.md")]
    assert len(found) > 20
    return [*found, ROOT / "sample_videos" / "README.md"]


def headings(document: Path) -> set[str]:
    """Anchors of its headings as hosting platforms make them."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.S | re.M)
    titles = re.findall(r"^#+ (.+?)\s*$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_files_hold_in_the_repository_too(document):
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.S | re.M)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        parts = urlsplit(link)
        if parts.scheme:
            continue
        target = document.parent / parts.path if parts.path else document
        assert target.exists(), link
        made_later = target.name in {"cli.md", "api.md"}
        if parts.fragment and target.suffix == ".md" and not made_later:
            assert parts.fragment in headings(target), link


def test_the_citation_has_what_its_format_asks_for():
    yaml = pytest.importorskip("yaml")
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    known = {"type", "version", "license", "keywords", "abstract", "date-released"}
    assert set(cited) <= {"cff-version", "message", "title", "authors"} | known
    assert cited["cff-version"] == "1.2.0"
    assert cited["type"] == "software"
    assert cited["authors"] == [{"name": "The hfs_vision developers"}]
    assert isinstance(cited["version"], str)


# The tutorial

NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


def agree(said: str, printed: str) -> bool:
    """The same words, and numbers that another processor could give."""
    if NUMBER.sub("#", said).split() != NUMBER.sub("#", printed).split():
        return False
    numbers = (map(float, NUMBER.findall(text)) for text in (said, printed))
    return all(abs(a - b) <= max(0.2, 0.05 * abs(a)) for a, b in zip(*numbers, strict=True))


def shown(said: str, printed: str) -> bool:
    """Whether a page shows what was printed, but for lines that it leaves out."""
    parts = [part.strip("\n") for part in f"\n{said}".split(f"\n{tutorial.LEFT_OUT}\n")]
    counts = [len(part.splitlines()) for part in parts]
    lines = printed.splitlines()
    if len(parts) == 1:
        return agree(said, printed)
    (first, last) = parts
    return (
        sum(counts) < len(lines)
        and agree(first, "\n".join(lines[: counts[0]]))
        and agree(last, "\n".join(lines[-counts[1] :]))
    )


def test_what_is_shown_is_compared():
    assert shown("right 10 of 10\n", "right 10 of 10\n")
    assert not shown("right 10 of 10\n", "right 9 of 10\n")
    assert not shown("right 10\n", "left 10\n")
    assert not shown("", "right 10\n")
    assert shown("a 1\n...\nd 4\n", "a 1\nb 2\nc 3\nd 4\n")
    assert not shown("a 1\n...\nd 4\n", "a 1\nb 2\nd 7\n")
    assert not shown("a 1\n...\nd 4\n", "a 1\nd 4\n")


@posix_only
@pytest.mark.skipif(not carries_face_mesh(), reason="the page shows what Face Mesh finds")
@pytest.mark.parametrize("page", tutorial.PAGES, ids=lambda page: page.stem)
def test_a_page_that_leads_somewhere_prints_what_it_says(page, tmp_path):
    steps = list(tutorial.steps(page.read_text(encoding="utf-8")))
    assert len(steps) > 1
    tutorial.prepare(tmp_path)
    for step in steps:
        printed = step.run(tmp_path)
        assert shown(step.printed, printed), f"{step.code}\nprints\n{printed}\nnot\n{step.printed}"


def test_every_command_that_the_tutorial_shows_and_runs_is_one():
    text = tutorial.PAGE.read_text(encoding="utf-8")
    shown_commands = set(re.findall(r"^hfs-vision (\w+)", text, re.M))
    assert shown_commands <= set(cli.list_commands(click.Context(cli)))
    assert {"check", "analyze", "review", "report", "export"} <= shown_commands
