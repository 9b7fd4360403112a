"""Looking through the events in the browser: after every step the file on disk is right."""

import json
import shutil

import pytest

from hfs_vision.results import read_folder
from tests.browser.conftest import START_S
from tests.browser.support import ReviewPage, program
from tests.clips import write_clip

FPS = 25.0


def test_a_click_on_an_event_shows_the_picture_of_its_onset(review):
    onsets = {n: e.onset_s for n, e in enumerate(read_folder(review.folder).events, start=1)}
    assert len(onsets) == 3
    for number in (2, 3, 1):
        review.click_event(number)
        assert review.now == pytest.approx(onsets[number], abs=1e-6)
        assert review.video_time == pytest.approx(onsets[number], abs=0.05)
        # What counts is what is seen, whatever the browser says of its time.
        assert review.shows(round((onsets[number] - START_S) * FPS))
        assert review.page.evaluate("hfsReview.player.video.paused")


def test_playing_repeats_the_event(review):
    review.click_event(3)
    onset_s = review.now
    review.page.evaluate("hfsReview.player.setRate(4)")
    review.page.evaluate(
        """() => {
            window.times = [];
            hfsReview.player.addEventListener('time', () => times.push(hfsReview.player.now));
        }"""
    )
    review.page.keyboard.press(" ")
    review.wait_for("times.filter((t, i) => i && t < times[i - 1] - 0.5).length >= 2", 15.0)
    review.page.keyboard.press(" ")
    times = review.page.evaluate("times")
    assert min(times) == pytest.approx(onset_s - 0.5, abs=0.06)
    assert max(times) < onset_s + 0.3 + 0.5 + 0.6  # at four times the speed, and a frame late
    assert review.page.evaluate("hfsReview.player.video.paused")


def test_accepting_and_rejecting(review):
    assert review.text("#progress") == "0 of 3 looked at"
    review.press("n", "a")
    assert review.on_disk()[1].verdict == "accepted"
    review.press("n", "r")
    disk = review.on_disk()
    assert [disk[n].verdict for n in (1, 2, 3)] == ["accepted", "rejected", ""]
    assert disk[2].reviewer == "A B"
    assert "verdict" in disk[2].history
    assert review.text("#progress") == "2 of 3 looked at"
    assert review.count("right", "mouth_pull") == 0
    assert review.count("left", "all") == 1
    assert review.text('#table tr[data-number="2"] .verdict') == "✗ rejected"
    review.page.click("#verdicts button[data-value=accepted]")
    review.settle()
    assert review.on_disk()[2].verdict == "accepted"
    assert review.count("right", "mouth_pull") == 1


def test_changing_side_region_and_kind(review):
    review.press("n", "s")
    assert review.on_disk()[1].event.side == "right"
    assert review.count("left", "all") == 0
    review.press("m")
    assert review.on_disk()[1].event.region == "mouth"
    review.press("k")
    assert review.on_disk()[1].event.kind == "mouth_pull"
    review.press("b")
    event = review.on_disk()[1].event
    assert (event.region, event.kind) == ("eye+mouth", "hemifacial_spasm")
    assert review.text('#table tr[data-number="1"] .kind') == "hemifacial spasm"
    assert review.count("right", "hemifacial_spasm") == 1


def test_dragging_an_edge_on_the_trace(review):
    review.click_event(2)
    before = review.page.evaluate("hfsReview.model.row")
    review.drag(before["onset_s"], before["onset_s"] - 0.5)
    event = review.on_disk()[2].event
    assert event.onset_s == pytest.approx(before["onset_s"] - 0.5, abs=0.02)
    assert event.offset_s == pytest.approx(before["offset_s"], abs=1e-6)
    assert review.now == pytest.approx(event.onset_s, abs=1e-5)
    review.drag(before["offset_s"], before["offset_s"] + 0.3)
    assert review.on_disk()[2].event.offset_s == pytest.approx(before["offset_s"] + 0.3, abs=0.02)
    assert float(review.page.input_value("#onset")) == pytest.approx(event.onset_s, abs=1e-3)


def test_an_edge_that_cannot_be_there_goes_back_and_says_why(review):
    review.click_event(2)
    offset_s = review.page.evaluate("hfsReview.model.row.offset_s")
    review.drag(offset_s, 23.1)  # into the next event of that side
    assert review.page.locator("#message").is_visible()
    assert review.page.evaluate("hfsReview.model.row.offset_s") == offset_s
    assert not (review.folder / "events.reviewed.csv").exists()
    review.problems.clear()  # Chromium notes the answer 422


def test_setting_onset_and_offset_to_the_moment_and_by_hand(review):
    review.click_event(2)
    onset_s = review.now
    review.press("ArrowLeft", "ArrowLeft", "[")
    assert review.on_disk()[2].event.onset_s == pytest.approx(onset_s - 2 / FPS, abs=1e-3)
    review.press("Shift+ArrowRight", "]")
    assert review.on_disk()[2].event.offset_s == pytest.approx(onset_s - 2 / FPS + 1, abs=1e-3)
    review.page.fill("#offset", "21.75")
    review.page.press("#offset", "Enter")
    review.settle()
    assert review.on_disk()[2].event.offset_s == 21.75


def test_adding_a_missed_event_and_taking_it_back(review):
    review.page.evaluate("hfsReview.player.seek(12)")
    review.press("i")
    added = review.on_disk()[4]
    assert added.verdict == "added"
    assert (added.event.onset_s, added.event.offset_s) == pytest.approx((12.0, 12.3))
    assert review.text("#progress") == "1 of 4 looked at"
    assert review.page.get_attribute('#table tr[data-number="4"]', "aria-selected") == "true"
    review.press("Control+z")
    assert 4 not in review.on_disk()
    assert review.page.locator('#table tr[data-number="4"]').count() == 0
    assert review.text("#progress") == "0 of 3 looked at"


def test_undo_takes_back_one_change_after_the_other(review):
    review.press("n", "a", "s", "n", "r")
    for expected in (("", "right"), ("", "left")):
        review.press("u")
        disk = review.on_disk()
        assert (disk[2].verdict, disk[1].event.side) == expected
    review.press("u")
    assert [row.verdict for row in review.on_disk().values()] == ["", "", ""]
    review.press("u")
    assert review.text("#message") == "There is nothing to take back."


def test_a_comment_is_text_whatever_it_holds(review):
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)> =1+1 ü"
    review.press("n", "c")
    review.page.keyboard.type(hostile)
    review.press("Enter")
    assert review.on_disk()[1].comment == hostile
    review.reload()
    review.press("n")
    assert review.page.input_value("#comment") == hostile
    assert review.page.locator("main script, main img").count() == 0
    assert review.text("#name") == review.folder.name
    assert hostile in review.page.get_attribute('#table tr[data-number="1"] .verdict', "title")


def test_what_was_done_is_there_after_loading_the_page_and_starting_the_program_again(
    review, chromium
):
    review.press("n", "a", "n", "r")
    before = (review.folder / "events.reviewed.csv").read_bytes()
    review.reload()
    assert review.text("#progress") == "2 of 3 looked at"
    assert (review.folder / "events.reviewed.csv").read_bytes() == before
    assert "token" not in review.page.url


def test_the_program_started_again_goes_on_where_it_was(chromium, folder):
    for looked_at, key in ((0, "a"), (1, "r")):
        with program(folder) as url:
            page = chromium.new_page()
            opened = ReviewPage(page, url, folder)
            assert opened.text("#progress") == f"{looked_at} of 3 looked at"
            opened.press(*["n"] * (looked_at + 1), key)
            page.close()
            opened.check()
    assert [row.verdict for row in opened.on_disk().values()] == ["accepted", "rejected", ""]
    assert not (folder / "report.html").exists()


def test_filters_show_what_is_left_to_do(review):
    numbers = "[...document.querySelectorAll('#table tbody tr')].map(r => Number(r.dataset.number))"
    review.page.select_option("#filter", "open")
    review.page.locator("#filter").blur()
    assert review.page.evaluate(numbers) == [1, 2, 3]
    review.press("n", "a")
    assert review.page.evaluate(numbers) == [1, 2, 3]  # what is selected does not vanish
    review.press("n")
    assert review.page.evaluate(numbers) == [2, 3]
    review.page.select_option("#filter", "doubtful")
    doubts = review.page.evaluate(
        f"{numbers}.map(n => hfsReview.model.rows.get(n)).filter(r => !r.verdict)"
        ".map(r => r.confidence)"
    )
    assert doubts == sorted(doubts)


def test_another_page_of_the_same_review_is_brought_up_to_date(review, chromium):
    context = review.page.context
    other = ReviewPage(context.new_page(), review.page.url, review.folder)
    review.press("n", "a")
    other.page.evaluate("hfsReview.model.refresh()")
    assert other.text("#progress") == "1 of 3 looked at"
    other.page.close()
    other.check()


def test_changes_that_cannot_be_saved_are_told_in_red_and_kept(review):
    (review.folder / "events.reviewed.csv").write_text(
        "onset_s,duration_s,side,region\n9,1,left,eye\n"
    )
    review.press("n", "a")
    assert review.page.locator("#unsaved").is_visible()
    assert "somebody else" in review.text("#unsaved")
    review.page.click("#unsaved-mine")
    review.settle()
    assert not review.page.locator("#unsaved").is_visible()
    assert "events.A-B.csv" in review.text("#saved")
    kept = (review.folder / "events.A-B.csv").read_text()
    assert "accepted" in kept


def test_the_report_opens_with_the_changes(chromium, folder):
    with program(folder, report=True) as url:
        context = chromium.new_context()
        opened = ReviewPage(context.new_page(), url, folder)
        opened.press("n", "a")
        with context.expect_page() as other:
            opened.page.click("#report")
        report = other.value
        report.wait_for_load_state()
        assert report.locator("svg").count() > 0
        assert report.locator("script").count() == 0
        opened.press("n", "r")
        context.close()
        opened.check()
    assert "2 of the 3 events" in (folder / "report.html").read_text()


def test_the_keys_are_shown_and_go_away(review):
    review.press("?")
    assert review.page.locator("#help").is_visible()
    review.press("a")
    review.page.click("#help-close")
    assert not review.page.locator("#help").is_visible()
    assert not (review.folder / "events.reviewed.csv").exists()


def test_a_recording_that_the_browser_cannot_play_is_shown_as_a_copy(chromium, folder):
    folder.with_suffix(".mp4").unlink()
    ticks = range(5000, 25_000, 40)
    write_clip(folder.with_suffix(".mkv"), ticks=ticks, codec="mpeg4", size=(192, 128))
    with program(folder) as url:
        page = chromium.new_page()
        opened = ReviewPage(page, url, folder)
        opened.click_event(2)
        assert opened.video_time == pytest.approx(opened.now, abs=0.05)
        assert opened.shows(round((opened.now - START_S) * FPS))
        assert "copy" in opened.text("#video-message")
        page.close()
        opened.check()


@pytest.mark.parametrize("ticks", [[0, 40, 50, 200, 210, 220, 400, 430, 20_000], None])
def test_uneven_and_early_times_are_shown_at_their_pictures(chromium, folder, ticks):
    # A player's own clock may begin anywhere; what is shown at a time is the last picture due.
    ticks = ticks or range(-400, 20_000, 40)
    recording = folder.with_suffix(".mp4")
    write_clip(recording, ticks=ticks, size=(192, 128), container_options={"use_editlist": "0"})
    from hfs_vision.video import VideoFile

    times = [frame.time_s for frame in VideoFile(recording)]
    from tests.clips import read_grey

    greys = [read_grey(frame.rgb) for frame in VideoFile(recording)]
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "signals.csv").unlink()
    (folder / "summary.json").write_text(json.dumps({**summary, "start_s": times[0]}))
    with program(folder) as url:
        page = chromium.new_page()
        opened = ReviewPage(page, url, folder)
        for k in (0, 1, 2, 3, 5, len(times) - 2):
            page.evaluate(f"hfsReview.player.seek({times[k]})")
            opened.settle()
            assert opened.shows(greys[k])
        page.close()
        opened.check()


def test_without_the_video_the_traces_are_enough(chromium, folder):
    folder.with_suffix(".mp4").unlink()
    with program(folder) as url:
        page = chromium.new_page()
        opened = ReviewPage.__new__(ReviewPage)
        opened.page, opened.folder, opened.problems = page, folder, []
        page.goto(url)
        opened.wait_until_ready(video=False)
        assert "not found" in opened.text("#video-message")
        opened.click_event(2)
        page.keyboard.press(" ")
        opened.wait_for(f"hfsReview.player.now > {opened.now + 0.2}")
        opened.press(" ", "a")
        assert opened.on_disk()[2].verdict == "accepted"
        page.close()


def test_fits_a_telephone(chromium, folder):
    with program(folder) as url:
        context = chromium.new_context(
            viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
        )
        page = context.new_page()
        opened = ReviewPage(page, url, folder)
        page.tap('#table tr[data-number="2"]')
        opened.settle()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.tap("#verdicts button[data-value=rejected]")
        opened.settle()
        assert opened.on_disk()[2].verdict == "rejected"
        context.close()
        opened.check()


def test_real_results_are_shown(chromium, tmp_path):
    from hfs_vision.landmarks.mediapipe_models import carries_face_mesh
    from tests.cli.support import VIDEO

    if not carries_face_mesh():
        pytest.skip("no landmark model is here")
    from hfs_vision.analysis.pipeline import analyze

    shutil.copy(VIDEO, tmp_path / "clip.mp4")
    analyze(tmp_path / "clip.mp4").save(tmp_path / "clip.results")
    with program(tmp_path / "clip.results") as url:
        page = chromium.new_page()
        opened = ReviewPage(page, url, tmp_path / "clip.results")
        for number in (1, 5, 10):
            opened.click_event(number)
            onset_s = page.evaluate("hfsReview.model.row.onset_s")
            assert opened.video_time == pytest.approx(onset_s, abs=0.05)
        assert opened.count("right", "all") == 10
        page.close()
        opened.check()
