"""Writes docs/reliability.md from what a run of the rows and of the damaged videos came to."""

from __future__ import annotations

import os
import platform
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

import av

from tests.faults.material import CODECS, TOLERANCE_S
from tests.faults.mutations import KINDS, Verdict
from tests.faults.rows import ANALYSIS, REPORT
from tests.faults.running import Result
from tests.faults.watching import SILENCE_S

GROUPS = {
    "source": "The recording",
    "model": "The models",
    "detector": "The numbers",
    "tables": "Results and diaries that were edited",
    "writer": "Disks, folders, locks, clocks",
    "workers": "Worker processes",
    "signals": "Signals",
}
KINDS_OF_RESULT = ("right", "warned", "refused", "ended", "weak", "failed", "skipped")
_LONGEST = 190

_INTRO = """\
# What happens when something breaks

Written by `python -m tests.faults --write docs/reliability.md` from a real run; edits are lost.

Every row below breaks one thing for real, runs the command line in a process of its own on a
terminal, and judges what is shown, the exit code and what is on the disk. `tests/faults/` holds
the rows; `tests/test_faults.py` runs a quick share of them with the tests.

- **right**: all that the sound recording holds, and nothing else.
- **warned**: a warning tells of what is wrong; nothing is counted that the sound recording does
  not hold.
- **refused**: one line says what is wrong, the exit code is 1 or 2.
- **ended**: by the signal that was sent; all files that are there can be read.
- **weak**: less than a user should get. Each of these rows is named.
- **failed**: none of these. **skipped**: not to be had on this machine.
"""


def page(results: Sequence[Result], verdicts: Sequence[Verdict]) -> str:
    """The text of the page."""
    parts = [_INTRO, _where(), _counts(results, verdicts), _floors(results, verdicts)]
    parts += [_weak(results, verdicts), _videos(verdicts)]
    for group, title in GROUPS.items():
        rows = [r for r in results if r.row.group == group]
        if rows:
            table = _signals(rows) if group == "signals" else _table(rows)
            parts.append(f"## {title}\n\n{table}")
    return "\n".join(parts)


def _where() -> str:
    ffmpeg = ".".join(map(str, av.library_versions["libavcodec"]))
    return (
        f"hfs_vision {version('hfs-vision')}, {datetime.now(timezone.utc):%Y-%m-%d}; "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, Python "
        f"{platform.python_version()}, MediaPipe {version('mediapipe')}, PyAV {av.__version__} "
        f"(libavcodec {ffmpeg}).\n"
    )


def _counts(results: Sequence[Result], verdicts: Sequence[Verdict]) -> str:
    lines = []
    for group, title in GROUPS.items():
        found = Counter(r.kind for r in results if r.row.group == group)
        if found:
            lines.append((title, sum(found.values()), *(found[k] for k in KINDS_OF_RESULT)))
    found = Counter("weak" if v.kind == "wrong" else v.kind for v in verdicts)
    if verdicts:
        lines.append(("Damaged videos", len(verdicts), *(found[k] for k in KINDS_OF_RESULT)))
    total = ("all", *(sum(line[i] for line in lines) for i in range(1, len(lines[0]))))
    return _markdown(("", "tried", *KINDS_OF_RESULT), [*lines, total])


def _floors(results: Sequence[Result], verdicts: Sequence[Verdict]) -> str:
    faults = [r.fault for r in results if r.kind == "failed"]
    reasons = [v.reason for v in verdicts if v.kind == "wrong"]
    silences = [r.seen.silence_s for r in results if r.seen]
    silences += [v.seconds for v in verdicts if v.seconds == v.seconds]
    told = [v for v in verdicts if v.reason.endswith("with a warning")]
    silent = [v for v in verdicts if v.reason.endswith("without a warning")]
    weak = [r for r in results if r.kind == "weak" and not (r.seen and r.seen.warnings)]
    lines = [
        ("crashes with a traceback", 0, sum("traceback" in f for f in [*faults, *reasons])),
        (
            f"more than {SILENCE_S:.0f} s without a message",
            0,
            sum("hang" in f or "no message" in f for f in [*faults, *reasons]),
        ),
        ("events that were told and are lost", 0, sum("are lost" in f for f in faults)),
        ("wrong results without a warning", 0, f"{len(silent)} damaged videos, {len(weak)} rows"),
        ("wrong results with a warning", "-", f"{len(told)} damaged videos"),
        ("longest silence, s", SILENCE_S, f"{max(silences):.1f}"),
    ]
    return (
        "## Floors\n\n"
        + _markdown(("", "at most", "found"), lines)
        + "\nSilence leaves out the time in which the process waited for a processor. A progress "
        "bar that shows no new\nnumber is silence.\n"
    )


def _weak(results: Sequence[Result], verdicts: Sequence[Verdict]) -> str:
    lines = [f"- {r.row.group}: {r.row.name}: {r.row.weak}." for r in results if r.kind == "weak"]
    failed = [f"- {r.row.group}: {r.row.name}: {r.fault}." for r in results if r.kind == "failed"]
    skipped = [f"- {r.row.group}: {r.row.name}: {r.fault}." for r in results if r.kind == "skipped"]
    wrong = [v for v in verdicts if v.kind == "wrong"]
    if wrong:
        lines.append(
            f"- {len(wrong)} of {len(verdicts)} damaged videos give a wrong result, listed below: "
            "their decoders make pictures of\n  damaged data without a word."
        )
    text = "## Weaker than it should be\n\n" + "\n".join(lines or ["Nothing."]) + "\n"
    if failed:
        text += "\nFailed:\n\n" + "\n".join(failed) + "\n"
    if skipped:
        text += "\nSkipped:\n\n" + "\n".join(skipped) + "\n"
    return text


def _videos(verdicts: Sequence[Verdict]) -> str:
    if not verdicts:
        return ""
    kinds = ("right", "warned", "refused", "wrong")
    by_codec = Counter((v.mutation.codec, v.kind) for v in verdicts)
    by_kind = Counter((v.mutation.kind, v.kind) for v in verdicts)
    text = (
        "## Damaged videos\n\n"
        "Seeded mutations of two recordings of 4 s (two twitches of the left lids; one pull of "
        "the right corner of the mouth),\neach in four codecs, analysed with the real model. "
        "`python -m tests.faults --mutation N` repeats one.\n\n"
        "Right: the events of the sound file, one for one, no edge more than "
        f"{TOLERANCE_S:g} s off. Warned: every event lies within one of the\nsound file, on its "
        f"side, edges within {TOLERANCE_S:g} s, and a warning tells of damage or of time without "
        "a face; events may be\nmissing or cut. Wrong: anything else, be it with a warning.\n\n"
    )
    text += _markdown(
        ("codec", "container", *kinds),
        [(c, CODECS[c][1], *(by_codec[c, k] for k in kinds)) for c in CODECS],
    )
    text += "\n" + _markdown(
        ("damage", *kinds), [(d, *(by_kind[d, k] for k in kinds)) for d in KINDS]
    )
    wrong = sorted((v for v in verdicts if v.kind == "wrong"), key=lambda v: v.mutation.number)
    if wrong:
        rows = [(v.mutation.number, v.mutation.codec, v.mutation.kind, v.reason) for v in wrong]
        text += "\n" + _markdown(("wrong: number", "codec", "damage", "what came out"), rows)
    return text


def _table(results: Sequence[Result]) -> str:
    rows = [
        (r.row.name, r.kind, _message(r), "" if r.seen is None else r.seen.code, _left(r))
        for r in results
    ]
    return _markdown(("fault", "", "what the user sees", "exit code", "left on the disk"), rows)


def _signals(results: Sequence[Result]) -> str:
    found: dict[tuple[str, str], list[Result]] = {}
    for r in results:
        command, _, struck = r.row.name.partition(": ")
        found.setdefault((command, struck.split()[0]), []).append(r)
    rows = []
    for (command, name), several in found.items():
        moments = ", ".join(r.row.name.split(" at ")[1].split()[0] for r in several)
        codes = ", ".join(str(r.seen.code) for r in several if r.seen)
        left = "; ".join(dict.fromkeys(map(_left, several)))
        bad = "; ".join(r.fault for r in several if r.fault)
        rows.append((command, name, moments, codes, bad or left))
    return (
        "At random moments, in shares of the time that the command takes when nothing disturbs "
        "it. 0: it had ended before, or\nends so by design (`live`, `review`). Minus the number of "
        "the signal: it was ended at once, before it began or after it was\ndone. After SIGKILL "
        "hidden files may stay; what has its own name is whole.\n\n"
        + _markdown(("command", "signal", "at", "exit codes", "left on the disk"), rows)
    )


def _message(result: Result) -> str:
    if result.seen is None:
        return result.fault
    text = result.fault and f"({result.fault}) "
    text += re.sub(r"\.\d+\.part|(?<=\.writing-)\w+", "...", result.seen.message())
    text = re.sub(r"\b[0-9a-f]{64}\b", "(a hash)", text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _left(result: Result) -> str:
    if result.seen is None:
        return ""
    names = {re.sub(r"(?<=\.writing-)\w+", "...", Path(f).name) for f in result.seen.files}
    visible, hidden = {n for n in names if n[0] != "."}, {n for n in names if n[0] == "."}
    inside = any("/." in f"/{f}" for f in result.seen.files)
    if not names:
        return "nothing"
    if names >= ANALYSIS - {REPORT} and len(result.seen.files) < 9:
        more = sorted(names - ANALYSIS)
        what = "results" if REPORT not in names else "results and report"
        return ", ".join([what, *more])
    shown = sorted(visible if not inside else names)
    text = ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")
    return text or ", ".join(sorted(hidden)[:3])


def _markdown(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(value: object) -> str:
    """Text that no reader of Markdown takes for anything else."""
    text = " ".join(str(value).encode("utf-8", "backslashreplace").decode("utf-8").split())
    return re.sub(r"([|<>*_`\[\]])", r"\\\1", text) if text != "---" else text
