import csv
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_vision.core.settings import Settings
from hfs_vision.errors import TableError, UsageError
from hfs_vision.live.protocol import (
    BUILT_IN,
    COLUMNS,
    PAUSE_TEXT,
    Protocol,
    ProtocolTask,
    open_protocol,
    protocol_file,
)
from hfs_vision.results import SEGMENT_COLUMNS
from tests.paths import ROOT

DOCUMENT = ROOT / "docs" / "protocol.md"
HEADER = ",".join(COLUMNS) + "\n"

PRINTABLE = st.characters(exclude_categories=("C", "Z"), codec="utf-8")


def texts(most):
    """What a cell may hold: words that are parted by one space."""
    words = st.lists(st.text(PRINTABLE, min_size=1, max_size=8), min_size=1, max_size=20)
    return words.map(" ".join).map(lambda text: text[:most].strip())


STEPS = st.builds(
    ProtocolTask,
    label=texts(40),
    prompt=texts(200),
    seconds=st.floats(0.001, 60.0),
    repeat=st.integers(1, 9),
    pause_s=st.just(0.0) | st.floats(0.001, 60.0),
)
PROTOCOLS = st.lists(STEPS, min_size=1, max_size=6).map(lambda s: Protocol("drawn", tuple(s)))
THREE = Protocol(
    "three",
    (
        ProtocolTask("rest", "Rest.", 60.0),
        ProtocolTask("smile", "Smile.", 3.0, 5, 2.0),
        ProtocolTask("a", "A", 1),
    ),
)


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8", newline="")
    return str(path)


def before(time_s: float) -> float:
    return math.nextafter(time_s, -math.inf)


@given(PROTOCOLS, st.lists(st.floats(0.0, 1.0), max_size=20))
def test_every_moment_of_a_protocol_has_a_cue_and_none_has_one_afterwards(protocol, shares):
    for share in shares:
        elapsed_s = min(share * protocol.duration_s, before(protocol.duration_s))
        cue = protocol.at(elapsed_s)
        assert cue is not None
        assert cue.left_s > 0
        assert cue.ends_s > elapsed_s
        step = protocol.steps[cue.step]
        assert cue.label == step.label
        assert protocol.starts_s[cue.step] <= elapsed_s
        assert cue.left_s <= max(step.seconds, step.pause_s) * (1 + 1e-9) + 1e-9
    assert protocol.at(before(protocol.duration_s)) is not None
    assert protocol.at(protocol.duration_s) is None
    assert protocol.at(protocol.duration_s + 1e6) is None


@given(PROTOCOLS, st.lists(st.floats(0.0, 1.0), max_size=20).map(sorted))
def test_steps_never_go_back(protocol, shares):
    cues = [protocol.at(share * protocol.duration_s) for share in shares]
    found = [math.inf if cue is None else cue.step for cue in cues]
    assert found == sorted(found)


@given(PROTOCOLS)
def test_from_one_step_to_the_next_each_is_met_in_order_and_ends_where_the_next_starts(protocol):
    elapsed_s = 0.0
    for number, step in enumerate(protocol.steps):
        assert protocol.starts_s[number] == elapsed_s
        cue = protocol.at(elapsed_s)
        assert (cue.step, cue.label) == (number, step.label)
        assert cue.left_s == pytest.approx(step.seconds)
        assert cue.ends_s - elapsed_s == pytest.approx(step.duration_s)
        assert protocol.at(before(cue.ends_s)).step == number
        elapsed_s = cue.ends_s
    assert protocol.at(elapsed_s) is None
    assert elapsed_s == protocol.duration_s


@given(PROTOCOLS)
def test_from_one_cue_to_the_next_every_repeat_and_every_pause_is_met_once(protocol):
    met, elapsed_s = [], 0.0
    while (cue := protocol.at(elapsed_s)) is not None:
        met.append((cue.step, cue.text))
        elapsed_s += cue.left_s + 1e-6
    expected = []
    for number, step in enumerate(protocol.steps):
        for time in range(1, step.repeat + 1):
            counter = f" ({time} of {step.repeat})" if step.repeat > 1 else ""
            expected.append((number, step.prompt + counter))
            expected += [(number, PAUSE_TEXT)] * (step.pause_s > 0)
    assert met == expected


@pytest.mark.parametrize(
    ("elapsed_s", "step", "text", "left_s", "ends_s"),
    [
        (-1.0, 0, "Rest.", 60.0, 60.0),
        (0.0, 0, "Rest.", 60.0, 60.0),
        (59.5, 0, "Rest.", 0.5, 60.0),
        (60.0, 1, "Smile. (1 of 5)", 3.0, 85.0),
        (62.5, 1, "Smile. (1 of 5)", 0.5, 85.0),
        (63.0, 1, PAUSE_TEXT, 2.0, 85.0),
        (65.0, 1, "Smile. (2 of 5)", 3.0, 85.0),
        (82.5, 1, "Smile. (5 of 5)", 0.5, 85.0),
        (84.5, 1, PAUSE_TEXT, 0.5, 85.0),
        (85.0, 2, "A", 1.0, 86.0),
    ],
)
def test_repeats_are_numbered_and_each_is_followed_by_a_pause(
    elapsed_s, step, text, left_s, ends_s
):
    cue = THREE.at(elapsed_s)
    assert (cue.step, cue.text, cue.left_s, cue.ends_s) == (step, text, left_s, ends_s)


def test_lengths_and_starts_of_a_protocol_include_repeats_and_pauses():
    assert THREE.starts_s == (0.0, 60.0, 85.0)
    assert THREE.duration_s == 86.0
    assert [step.duration_s for step in THREE.steps] == [60.0, 25.0, 1.0]
    assert THREE.at(86.0) is None


def test_repeats_without_a_pause_follow_each_other():
    protocol = Protocol("p", (ProtocolTask("a", "A", 0.1, 3),))
    texts = [protocol.at(time_s).text for time_s in (0.05, 0.15, 0.25)]
    assert texts == ["A (1 of 3)", "A (2 of 3)", "A (3 of 3)"]


# Files


@given(st.lists(STEPS, min_size=1, max_size=6))
def test_steps_round_trip_through_csv(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("protocol") / "mine.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        writer.writerows([getattr(step, name) for name in COLUMNS] for step in steps)
    assert open_protocol(str(path)) == Protocol("mine", tuple(steps))


def test_repeat_and_pause_may_be_left_out_or_empty(tmp_path):
    short = write(tmp_path / "short.csv", "seconds,prompt,label\n5,Talk,talking\n")
    assert open_protocol(short).steps == (ProtocolTask("talking", "Talk", 5.0, 1, 0.0),)
    empty = write(tmp_path / "empty.csv", HEADER + "talking,Talk,5,, \n")
    assert open_protocol(empty).steps == (ProtocolTask("talking", "Talk", 5.0, 1, 0.0),)


def test_a_protocol_from_a_spreadsheet_loads(tmp_path):
    path = tmp_path / "own.csv"
    path.write_bytes(
        b"\xef\xbb\xbflabel,prompt,seconds,repeat,note\r\n"
        b'rest ,"Look up,\r\n\tthen\xc2\xa0down",2.5,2.0,mine\r\n'
    )
    assert open_protocol(str(path)) == Protocol(
        "own", (ProtocolTask("rest", "Look up, then down", 2.5, 2),)
    )


LIMITS = [
    ("label", "a" * 40, "a" * 41, "1 to 40 printable characters"),
    ("prompt", "a" * 200, "a" * 201, "1 to 200 printable characters"),
    ("label", "a", "", "1 to 40 printable characters"),
    ("prompt", "a", " \t", "1 to 200 printable characters"),
    ("label", "\u00fcben", "\u00fc\x1b[2J", "1 to 40 printable characters"),
    ("prompt", "a b", "a\x07b", "1 to 200 printable characters"),
    ("seconds", "3600", "3600.1", "a number above 0, 3600 at most"),
    ("seconds", "0.1", "0", "a number above 0, 3600 at most"),
    ("seconds", "1", "-1", "a number above 0, 3600 at most"),
    ("seconds", "1", "", "a number above 0, 3600 at most"),
    ("seconds", "1", "nan", "a number above 0, 3600 at most"),
    ("seconds", "1", "inf", "a number"),
    ("seconds", "1", "one", "a number"),
    ("seconds", "2.5", "2:30", "a number"),
    ("repeat", "100", "101", "a whole number from 1 to 100"),
    ("repeat", "1", "0", "a whole number from 1 to 100"),
    ("repeat", "2", "2.5", "a whole number from 1 to 100"),
    ("repeat", "2", "nan", "a whole number from 1 to 100"),
    ("repeat", "2", "twice", "a number"),
    ("pause_s", "600", "600.1", "a number from 0 to 600"),
    ("pause_s", "0", "-0.1", "a number from 0 to 600"),
    ("pause_s", "0", "nan", "a number from 0 to 600"),
]


@pytest.mark.parametrize(("name", "good", "bad", "wanted"), LIMITS)
def test_a_cell_just_within_its_limits_is_taken_and_one_beyond_is_refused(
    tmp_path, name, good, bad, wanted
):
    cells = {"label": "rest", "prompt": "Rest", "seconds": "1", "repeat": "1", "pause_s": "0"}
    path = tmp_path / "mine.csv"
    first = HEADER + ",".join(cells.values()) + "\n"
    write(path, first + ",".join({**cells, name: good}.values()) + "\n")
    assert str(getattr(open_protocol(str(path)).steps[1], name)).removesuffix(".0") == good
    write(path, first + ",".join({**cells, name: bad}.values()) + "\n")
    with pytest.raises(TableError) as error:
        open_protocol(str(path))
    assert str(error.value).startswith(f"{path}, row 3: {name} is {bad!r}; write {wanted}")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "row 1: column 'label' is missing"),
        ("label,seconds\nrest,1\n", "row 1: column 'prompt' is missing"),
        ("label|prompt|seconds\nrest|Rest|1\n", "row 1: column 'label' is missing"),
        (HEADER, "holds no step; write one or more rows"),
        (HEADER + "rest,Rest\n", "row 2: the number of cells"),
        (HEADER + "rest,Rest, please,1,1,0\n", "row 2: the number of cells"),
        (HEADER + "rest,Rest,1,1,0\n" * 201, "row 202: write 200 steps at most"),
        (HEADER + "rest,Rest,3600,4,0\nrest,Rest,36,1,0\n", r"last 4\.01 h; ask for 4 h at most"),
    ],
)
def test_a_malformed_protocol_is_refused_with_its_file(tmp_path, text, what):
    path = write(tmp_path / "mine.csv", text)
    with pytest.raises(TableError, match=what) as error:
        open_protocol(path)
    assert str(error.value).startswith(path)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TableError, match="cannot be read as a CSV table"):
        open_protocol(str(path))


def test_200_steps_and_4_hours_are_taken(tmp_path):
    path = write(tmp_path / "long.csv", HEADER + "rest,Rest,62,1,10\n" * 200)
    protocol = open_protocol(path)
    assert (len(protocol.steps), protocol.duration_s) == (200, 4 * 3600)
    assert protocol.at(before(4 * 3600)).step == 199


@pytest.mark.parametrize("name", ["Clinical", "nothing.csv", "", "."])
def test_what_is_neither_built_in_nor_a_file_is_refused_with_the_names(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=rf"no protocol '{name}'.*built-in one: clinical"):
        open_protocol(name)


def test_a_file_of_the_name_of_a_built_in_one_is_reached_by_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "clinical", HEADER + "rest,Rest,1,1,0\n")
    assert len(open_protocol("clinical").steps) > 1
    assert len(open_protocol("./clinical").steps) == 1
    assert open_protocol("clinical").shown_name == "clinical"
    assert open_protocol("./clinical").shown_name == "own"


# What is built in


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_protocol_loads_by_its_name_and_is_plain_ascii(name):
    assert open_protocol(name).name == name
    assert protocol_file(name).read_bytes().isascii()


def test_clinical_asks_for_its_tasks_in_order():
    steps = open_protocol("clinical").steps
    assert [(step.label, step.repeat) for step in steps] == [
        ("rest", 1),
        ("gentle_closure", 5),
        ("forced_closure", 5),
        ("smile", 5),
        ("pursing", 3),
        ("reading", 1),
        ("talking", 1),
    ]
    assert [step.seconds for step in steps if step.repeat == 1] == [120.0, 60.0, 60.0]


def test_clinical_leaves_most_of_the_time_from_which_rest_is_learned_to_rest():
    protocol = open_protocol("clinical")
    asked = [
        (cue := protocol.at(tenth / 10)).text != PAUSE_TEXT and protocol.steps[cue.step].repeat > 1
        for tenth in range(math.floor(protocol.duration_s * 10))
    ]
    window = round(10 * Settings().baseline_window_s)
    sums = [sum(asked[start : start + window]) for start in range(len(asked) - window)]
    assert 0 < max(sums) < window / 2


def test_the_document_shows_the_built_in_protocol_its_length_and_the_columns():
    text = DOCUMENT.read_text(encoding="utf-8")
    protocol = open_protocol("clinical")
    shown = text.split("<!-- clinical -->\n")[1].split("\n\n")[0].splitlines()
    assert shown[0] == "| " + " | ".join(f"`{name}`" for name in COLUMNS) + " |"
    assert shown[2:] == [
        f"| `{s.label}` | {s.prompt} | {s.seconds:g} | {s.repeat} | {s.pause_s:g} |"
        for s in protocol.steps
    ]
    minutes, seconds = divmod(protocol.duration_s, 60)
    assert f"{minutes:g} minutes and {seconds:g} seconds" in text
    for name in (*COLUMNS, *SEGMENT_COLUMNS):
        assert f"`{name}`" in text, name
