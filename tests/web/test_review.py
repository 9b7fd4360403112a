"""What the page of a review is given: traces, the events and their changes, its own files."""

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.paths import ROOT

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

import httpx

from hfs_vision.analysis.pipeline import detect
from hfs_vision.core.signals import Signals
from hfs_vision.errors import UsageError
from hfs_vision.results import read_folder, read_reviewed
from hfs_vision.web.live import LIVE_FILES
from hfs_vision.web.reporting import Reporter
from hfs_vision.web.review import PAGE_FILES, create_app
from hfs_vision.web.security import TOKEN_HEADER
from hfs_vision.web.server import LocalServer
from hfs_vision.web.session import ReviewSession
from hfs_vision.web.traces import COLUMNS, decimated
from tests.clips import write_clip
from tests.synthetic import Recording

# --------------------------------------------------------------------------------------- traces


def still(seconds: float, fps: float = 60.0) -> Signals:
    time_s = np.arange(round(seconds * fps)) / fps
    pair = np.zeros((len(time_s), 2))
    return Signals(time_s, pair, pair.copy(), pair.copy(), pair.copy())


def column(table: np.ndarray, name: str) -> np.ndarray:
    return table[:, COLUMNS.index(name)]


class TestTraces:
    def test_keep_a_peak_of_one_frame_in_an_hour(self):
        signals = still(3600.0)
        signals.closure[123_456, 1] = 0.9
        signals.excursion[77, 0] = -0.5
        signals.mouth_score[200_000, 0] = 4.0
        table = decimated(signals, 0.0, 3600.0, 1200)
        assert len(table) == 1200
        assert column(table, "closure_right_max").max() == pytest.approx(0.9)
        assert column(table, "closure_left_max").max() == 0
        assert column(table, "excursion_left_min").min() == pytest.approx(-0.5)
        assert column(table, "mouth_score_left").max() == pytest.approx(4.0)
        at = column(table, "time")[column(table, "closure_right_max").argmax()]
        assert at == pytest.approx(123_456 / 60, abs=3.0)

    def test_of_a_short_stretch_are_the_frames_themselves_and_one_on_either_side(self):
        signals = still(60.0)
        signals.closure[:, 0] = np.linspace(0, 1, len(signals))
        table = decimated(signals, 10.0, 11.0, 300)
        times = 10.0 + column(table, "time")
        first = round(float(times[0]) * 60)
        assert first == 599
        np.testing.assert_allclose(times, signals.time_s[first : first + len(table)], atol=1e-5)
        np.testing.assert_allclose(
            column(table, "closure_left_min"), signals.closure[first : first + len(table), 0], 1e-5
        )
        np.testing.assert_array_equal(
            column(table, "closure_left_min"), column(table, "closure_left_max")
        )

    def test_are_missing_only_where_nothing_at_all_was_measured(self):
        signals = still(100.0)
        signals.closure[1000:2000] = np.nan
        signals.closure[3001] = np.nan
        table = decimated(signals, 0.0, 100.0, 100)
        missing = np.isnan(column(table, "closure_left_min"))
        assert np.flatnonzero(missing).tolist() == list(range(17, 33))
        assert column(table, "valid")[50] == pytest.approx(59 / 60)

    def test_of_uneven_frames_have_no_row_where_there_is_no_frame(self):
        signals = still(10.0)[slice(0, 300)]
        late = replace(signals, time_s=signals.time_s + 50.0)
        table = decimated(Signals.concatenate([signals, late]), 0.0, 60.0, 60)
        assert len(table) == 10

    def test_outside_the_recording_or_of_none_are_empty(self):
        assert decimated(Signals.empty(), 0.0, 1.0, 10).shape == (0, len(COLUMNS))

    @pytest.mark.parametrize("asked", [(1.0, 1.0, 9), (0.0, np.nan, 9), (0.0, 1.0, 0)])
    def test_that_cannot_be_are_refused(self, asked):
        with pytest.raises(UsageError, match="cannot be"):
            decimated(still(1.0), *asked)


# --------------------------------------------------------------------------------------- the API


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("made")
    recording = Recording(20.0).lid(0, 12.0, 0.4).pull(1, 15.0, 1.5).without_face(18.0, 1.0)
    detect(recording.measured()).save(place / "a.results")
    write_clip(place / "a.mp4", ticks=range(0, 2000, 40))
    return place


@pytest.fixture
def folder(made, tmp_path) -> Path:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / "a.results"


@contextmanager
def opened(folder: Path, **options):
    given = {"video": None, "file": None, "reviewer": "A B", "report": False, **options}
    with ReviewSession(read_folder(folder), **given) as session:  # noqa: SIM117
        with LocalServer(create_app(session)) as server:
            headers = {TOKEN_HEADER: server.token}
            with httpx.Client(
                base_url=f"http://127.0.0.1:{server.port}", headers=headers
            ) as client:
                yield client


class TestTheEvents:
    def test_come_with_all_that_the_page_needs(self, folder):
        with opened(folder) as client:
            facts = client.get("/api/session").json()
        assert [(row["number"], row["side"], row["kind"]) for row in facts["rows"]] == [
            (1, "left", "eyelid_twitch"),
            (2, "right", "mouth_pull"),
        ]
        assert (facts["looked_at"], facts["all"]) == (0, 2)
        assert facts["name"] == "a.results"
        assert facts["reviewer"] == "A B"
        assert facts["video"]["state"] == "direct"
        assert facts["gaps"] == [pytest.approx([18.0, 19.0], abs=0.05)]
        assert facts["start_s"] == 0
        assert facts["end_s"] == pytest.approx(20.0)
        assert not (folder / "events.reviewed.csv").exists()

    def test_that_change_are_on_the_disk_when_the_answer_comes(self, folder):
        before = (folder / "events.csv").read_bytes()
        with opened(folder) as client:
            answer = client.post("/api/events/1", json={"verdict": "rejected", "revision": 0})
            assert answer.status_code == 200
            rows = read_reviewed(folder / "events.reviewed.csv")
            assert [row.verdict for row in rows] == ["rejected", ""]
            assert rows[0].reviewer == "A B"
        told = answer.json()
        assert [row["number"] for row in told["rows"]] == [1]
        assert (told["looked_at"], told["unsaved"], told["touched"]) == (1, "", 1)
        counts = {(c["side"], c["kind"]): c["count"] for c in told["counts"]}
        assert counts["left", "all"] == 0
        assert counts["right", "all"] == 1
        assert (folder / "events.csv").read_bytes() == before

    def test_are_added_and_taken_back(self, folder):
        with opened(folder) as client:
            new = {"onset_s": 5.0, "offset_s": 5.5, "side": "left", "region": "mouth"}
            added = client.post("/api/events", json={**new, "revision": 0}).json()
            assert added["rows"][0]["verdict"] == "added"
            number = added["touched"]
            assert number == 3
            assert len(read_reviewed(folder / "events.reviewed.csv")) == 3
            undone = client.post("/api/undo", json={"revision": added["revision"]}).json()
            assert undone["removed"] == [3]
            assert len(read_reviewed(folder / "events.reviewed.csv")) == 2
            assert client.post("/api/undo", json={}).json()["touched"] is None

    def test_that_another_page_has_changed_are_sent_along(self, folder):
        with opened(folder) as client:
            first = client.post("/api/events/1", json={"verdict": "accepted", "revision": 0}).json()
            behind = client.post("/api/events/2", json={"comment": "b", "revision": 0}).json()
            assert behind["whole"]
            assert len(behind["rows"]) == 2
            state = client.get(f"/api/state?revision={first['revision']}").json()
            assert len(state["rows"]) == 2
            now = client.get(f"/api/state?revision={state['revision']}").json()
            assert now["rows"] == []

    @pytest.mark.parametrize(
        ("path", "body", "told"),
        [
            ("/api/events/1", {"side": "up"}, "up"),
            ("/api/events/99", {"verdict": "accepted"}, "no event 99"),
            ("/api/events/1", {"verdict": "perhaps"}, "verdict"),
            ("/api/events/1", {"onset_s": "soon"}, "onset_s"),
            ("/api/events/1", {"onset_s": 30.0}, ""),
            ("/api/events/1", {"name": "x"}, "name"),
            ("/api/events/1", {}, "nothing is to change"),
            ("/api/events/x", {"verdict": "accepted"}, "number"),
            ("/api/events/1", {"comment": "x" * 5000}, "comment"),
            ("/api/events", {"onset_s": 5.0, "offset_s": 4.0, "side": "left", "region": "eye"}, ""),
            ("/api/events", {"onset_s": 5.0}, "offset_s"),
        ],
    )
    def test_that_cannot_be_are_refused_with_a_reason_and_change_nothing(
        self, folder, path, body, told
    ):
        with opened(folder) as client:
            answer = client.post(path, json=body)
            assert answer.status_code == 422
            assert told in answer.json()["error"]
            assert len(answer.json()["error"]) > 10
            assert client.get("/api/state").json()["revision"] == 0
        assert not (folder / "events.reviewed.csv").exists()

    def test_bodies_that_are_no_json_are_refused(self, folder):
        with opened(folder) as client:
            for body in (b"{", b"[1]", b"NaN", b'{"onset_s": NaN}', b"\xff"):
                assert client.post("/api/events/1", content=body).status_code in (400, 422)

    def test_that_cannot_be_saved_are_kept_and_told(self, folder):
        with opened(folder) as client:
            (folder / "events.reviewed.csv").write_text("onset_s,duration_s,side,region\n")
            mine = client.post("/api/events/1", json={"comment": "mine"}).json()
            assert "changed by somebody else" in mine["unsaved"]
            assert mine["rows"][0]["comment"] == "mine"
            kept = client.post("/api/keep", json={"revision": mine["revision"]}).json()
            assert kept["file"] == "events.A-B.csv"
            assert kept["unsaved"] == ""
            assert read_reviewed(folder / "events.A-B.csv")[0].comment == "mine"
            client.post("/api/events/2", json={"verdict": "accepted"})
            assert read_reviewed(folder / "events.A-B.csv")[1].verdict == "accepted"
        assert (folder / "events.reviewed.csv").read_text() == "onset_s,duration_s,side,region\n"

    def test_of_the_other_file_can_be_taken_instead(self, folder):
        with opened(folder) as client:
            theirs = "onset_s,duration_s,side,region\n7,0.5,left,eye\n"
            (folder / "events.reviewed.csv").write_text(theirs)
            client.post("/api/events/1", json={"comment": "mine"})
            told = client.post("/api/reload", json={}).json()
            assert [row["onset_s"] for row in told["rows"]] == [7]
            assert told["whole"]
            assert told["unsaved"] == ""


class TestTheOtherFiles:
    def test_are_those_of_the_list_and_no_others(self, folder):
        with opened(folder) as client:
            for name, kind in PAGE_FILES.items():
                answer = client.get(f"/static/{name}")
                assert answer.status_code == 200
                assert answer.headers["content-type"] == kind
            for name in ("server.py", "../server.py", "%2e%2e/server.py", "", "review.html/x"):
                assert client.get(f"/static/{name}").status_code == 404
            assert client.get("/docs").status_code == 404
            assert client.get("/openapi.json").status_code == 404

    def test_of_the_page_name_no_other_origin_and_make_no_html_of_text(self):
        static = ROOT / "hfs_vision" / "web" / "static"
        assert {path.name for path in static.iterdir()} == {*PAGE_FILES, *LIVE_FILES}
        for path in static.iterdir():
            text = path.read_text().replace("http://www.w3.org/2000/svg", "")
            for word in ("http:", "https:", "innerHTML", "outerHTML", "insertAdjacent", "eval("):
                assert word not in text, (path.name, word)
            if path.suffix == ".html":
                assert "style=" not in text
                assert " onclick" not in text

    def test_traces_come_as_numbers(self, folder):
        with opened(folder) as client:
            answer = client.get("/api/traces?from=11&to=13&points=100")
            columns = int(answer.headers["x-columns"])
            table = np.frombuffer(answer.content, "<f4").reshape(-1, columns)
            assert table[:, COLUMNS.index("closure_left_max")].max() > 0.7
            assert client.get("/api/traces?from=13&to=11").status_code == 422
            assert client.get("/api/traces?from=a&to=11").status_code == 422
            assert client.get("/api/traces?from=1&to=2&points=1000000").status_code == 422

    def test_the_video_comes_in_ranges(self, folder):
        whole = (folder.parent / "a.mp4").read_bytes()
        with opened(folder) as client:
            part = client.get("/video", headers={"range": "bytes=10-19"})
            assert (part.status_code, part.content) == (206, whole[10:20])
            assert part.headers["content-range"] == f"bytes 10-19/{len(whole)}"
            assert client.get("/video").content == whole
            assert client.get("/video", headers={"range": "bytes=999999-"}).status_code == 416


class TestBadInput:
    def test_without_signals_video_and_summary_the_events_can_still_be_reviewed(self, folder):
        for name in ("signals.csv", "summary.json", "twitches.csv", "../a.mp4"):
            (folder / name).unlink()
        with opened(folder) as client:
            facts = client.get("/api/session").json()
            assert facts["video"]["state"] == "none"
            assert any("signals.csv is missing" in warning for warning in facts["warnings"])
            assert any("recording" in warning for warning in facts["warnings"])
            assert client.get("/api/traces?from=0&to=9").content == b""
            assert client.get("/video").status_code == 404
            answer = client.post("/api/events/1", json={"verdict": "accepted"})
            assert answer.json()["unsaved"] == ""

    def test_another_video_than_the_analysed_one_is_told(self, folder):
        summary = json.loads((folder / "summary.json").read_text())
        summary["source"] = {"sha256": "0" * 64}
        summary["settings"] = {"max_gap_s": 0.5, "<b>": 1}
        (folder / "summary.json").write_text(json.dumps(summary))
        with opened(folder) as client:
            facts = client.get("/api/session").json()
        assert any("is not the recording that was analysed" in w for w in facts["warnings"])

    def test_a_second_reviewer_of_the_same_file_is_turned_away(self, folder):
        with opened(folder), pytest.raises(UsageError, match="--file"):
            ReviewSession(read_folder(folder), video=None, file=None, reviewer="C")
        with opened(folder), opened(folder, file=folder / "second.csv", reviewer="C") as second:
            second.post("/api/events/1", json={"verdict": "accepted"})
        assert read_reviewed(folder / "second.csv")[0].verdict == "accepted"
        assert not (folder / "events.reviewed.csv").exists()


class TestTheReport:
    def test_is_made_anew_when_the_review_ends(self, folder):
        with opened(folder) as client:
            client.post("/api/events/1", json={"comment": "seen & <b>marked</b>"})
        reporter = Reporter(folder)
        reporter.note_change()
        reporter.close()
        text = (folder / "report.html").read_text()
        assert "<b>marked" not in text
        assert "1 of the 2 events" in text or "1 of 2 events" in text

    def test_says_why_it_could_not_be_made(self, folder):
        (folder / "events.csv").write_text("no table")
        reporter = Reporter(folder)
        assert "onset_s" in reporter.bring_up_to_date()
        reporter.close()
