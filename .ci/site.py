"""What the documentation site needs besides the pages in docs/ (`hooks` in .mkdocs.yml).

- Pages that lie elsewhere in the repository (`ELSEWHERE`) become pages of the site.
- Links between files of the repository hold in the site: to pages, or to a copy of the file.
- `<!-- commands -->` becomes the reference of the command line, read off the program itself.
- `Docstrings` tells mkdocstrings (`plugins` in .mkdocs.yml) how docstrings are written here.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
from collections.abc import Iterator
from pathlib import Path

import click
import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
ELSEWHERE = {
    "README.md": "overview.md",  # docs/index.md is the site's first page
    "hfs_vision/quality/guide.md": "hfs_vision/quality/guide.md",
    "models/README.md": "models/README.md",
    "models/eye_closure.md": "models/eye_closure.md",
    "models/mouth_corner.md": "models/mouth_corner.md",
    "sample_videos/README.md": "sample_videos/README.md",
}
"""Place in the repository -> place in the site."""

_LINK = re.compile(r"\[((?:`[^`\n]*`|[^\[\]`])*)\]\(([^()\s#:]+)(#[^()\s]*)?\)")
_BLOCK = re.compile(r"(^```.*?^```)", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"(`[^`\n]+`)")
_MARKUP = re.compile(r"[\\*_<>\[\]|#&]")
_JOINED = re.compile(r"^( +)(\w+(?:, \w+)+): (.*(?:\n\1 +.*)*)$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds what lies elsewhere: the pages, and the files that any page links to."""
    for source, page in ELSEWHERE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    for page in files.documentation_pages():
        for link in _LINK.finditer(_BLOCK.sub("", page.content_string)):
            target = _repository_path(page, link[2])
            place = _site_path(target)
            if (ROOT / target).is_file() and files.get_file_from_path(place) is None:
                files.append(File.generated(config, place, abs_src_path=str(ROOT / target)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links as they are in the site; the commands."""
    parts = _BLOCK.split(markdown)
    parts[::2] = [_LINK.sub(lambda link: _link(page.file, link), part) for part in parts[::2]]
    text, here, rest = "".join(parts).partition("<!-- commands -->")
    return text + "\n".join(_commands()) + rest if here else text


def _repository_path(page: File, link: str) -> str:
    """Where a link points, from the root of the repository."""
    by_page = {place: source for source, place in ELSEWHERE.items()}
    source = by_page.get(page.src_uri, f"docs/{page.src_uri}")
    return os.path.normpath(Path(source).parent / link).replace(os.sep, "/")


def _site_path(target: str) -> str:
    return ELSEWHERE.get(target, target.removeprefix("docs/"))


def _link(page: File, link: re.Match[str]) -> str:
    target = _repository_path(page, link[2])
    if (ROOT / target).is_dir():  # a folder is no page: its name alone
        return f"`{target}/`"
    place = os.path.relpath(_site_path(target), Path(page.src_uri).parent).replace(os.sep, "/")
    return f"[{link[1]}]({place}{link[3] or ''})"


# The command line


def _commands() -> Iterator[str]:
    from hfs_vision.cli import cli

    context = click.Context(cli, info_name="hfs-vision", **cli.context_settings)
    yield from _help(cli)
    yield from _options(context)
    yield from _below(context)


def _below(parent: click.Context) -> Iterator[str]:
    assert isinstance(parent.command, click.Group)
    for name in parent.command.list_commands(parent):
        command = parent.command.get_command(parent, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=parent)
        path = context.command_path
        level = "#" * (1 + len(path.split()))
        yield f"\n{level} {path} {{ #{path.replace(' ', '-')} data-toc-label='{name}' }}\n"
        yield f"```text\n{path} {' '.join(command.collect_usage_pieces(context))}\n```\n"
        yield from _help(command)
        yield from _options(context, help_too=False)
        if isinstance(command, click.Group):
            yield from _below(context)


def _help(command: click.Command) -> Iterator[str]:
    """The help text; paragraphs that click is told to keep as they stand stay so."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(command.help or "")):
        kept = paragraph.removeprefix("\b\n")
        yield f"\n```text\n{kept}\n```\n" if kept != paragraph else f"\n{_escape(paragraph)}\n"


def _options(context: click.Context, *, help_too: bool = True) -> Iterator[str]:
    """A table of the options, in the words of ``--help``."""
    records = [
        record
        for parameter in context.command.get_params(context)
        if isinstance(parameter, click.Option)
        and (help_too or "--help" not in parameter.opts)
        and (record := parameter.get_help_record(context))
    ]
    if records:
        yield "\n| option | |\n|---|---|"
    for names, text in records:
        yield f"| `{' '.join(names.split())}` | {_escape(' '.join(text.split()))} |"
    yield ""


def _escape(text: str) -> str:
    """Text as Markdown that shows it as it is; code stays code."""
    parts = _CODE.split(text)
    parts[::2] = [_MARKUP.sub(lambda sign: f"&#{ord(sign[0])};", part) for part in parts[::2]]
    return "".join(parts)


# Docstrings


class Docstrings(griffe.Extension):
    """Two habits of this project that the reader of docstrings does not know."""

    def on_instance(self, *, obj: griffe.Object, **_: object) -> None:
        """``a, b: text`` describes a and b alike: an entry for each."""
        if obj.docstring:
            obj.docstring.value = _JOINED.sub(_apart, obj.docstring.value)

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: object) -> None:
        """A setting explains itself in the call that makes it."""
        value = ast.parse(str(attr.value or "0")).body[0]
        if isinstance(value.value, ast.Call) and ast.unparse(value.value.func) == "_setting":
            default, low, high, text = map(ast.literal_eval, value.value.args)
            attr.value = str(default)
            attr.docstring = griffe.Docstring(f"{text}; {low:g} to {high:g}.", parent=attr)


def _apart(joined: re.Match[str]) -> str:
    indent, names, text = joined.groups()
    return "\n".join(f"{indent}{name}: {text}" for name in names.split(", "))
