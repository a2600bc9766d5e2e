"""The anchor page in a real browser: anchors clicked and dragged, the preview looked at, the mask saved and used."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from maskgen.assets import assets_dir
from maskgen.authoring.editor import AnchorPage, Draft
from maskgen.authoring.picture import read_picture
from maskgen.authoring.trial import ShownFace
from maskgen.authoring.words import begin
from maskgen.errors import InputError
from maskgen.templates.reader import check_template, load_wardrobe
from maskgen.types import Face, LandmarkedFace, Pose

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

OUTLINE = [(60, 150), (400, 60), (740, 150), (740, 460), (400, 620), (60, 460)]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    image = Image.new("RGBA", (800, 680), (0, 0, 0, 0))
    ImageDraw.Draw(image).polygon(OUTLINE, fill=(246, 246, 246, 255))
    path = tmp_path / "plain mask.png"
    image.save(path)
    return path


@pytest.fixture(scope="module")
def chrome() -> Iterator[Chrome]:
    from selenium import webdriver

    driver = shutil.which("chromedriver")
    if driver is None:
        pytest.skip("needs chromedriver and Chromium")
    options = webdriver.ChromeOptions()
    words = (
        "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking"
        " disable-component-update disable-sync disable-dev-shm-usage"
    )
    for word in words.split(" "):
        options.add_argument(f"--{word}")
    options.add_argument("--window-size=1400,1000")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    chrome.set_page_load_timeout(60)
    chrome.set_script_timeout(60)
    yield chrome
    chrome.quit()


@pytest.fixture
def command(picture: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with serving(picture, tmp_path) as served:
        yield served


@contextmanager
def serving(picture: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``maskgen masks add`` at work, and the address that it prints."""
    words = ["masks", "add", str(picture), "--to", str(tmp_path / "mine"), "--no-browser", "--timeout", "3"]
    process = subprocess.Popen(
        [sys.executable, "-m", "maskgen.app", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", line)
    assert found, line
    try:
        yield process, found.group(0)
    finally:
        process.kill()
        process.communicate()


def wait_until(what: Callable[[], Any], seconds: float = 90) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("waited in vain")


def find(chrome: Chrome, css: str) -> Any:
    return chrome.find_element("css selector", css)


def face(chrome: Chrome) -> str:
    images = chrome.find_elements("css selector", "#face:not(.old) img")
    return str(images[0].get_attribute("src")) if images else ""


def click_at(chrome: Chrome, xy: tuple[float, float]) -> None:
    """Press the mouse at a pixel of the mask's picture."""
    from selenium.webdriver import ActionChains

    image = find(chrome, "#picture")
    scale = image.size["width"] / 800
    x, y = xy[0] * scale - image.size["width"] / 2, xy[1] * scale - image.size["height"] / 2
    ActionChains(chrome).move_to_element_with_offset(image, round(x), round(y)).click().perform()


def position(chrome: Chrome, role: str) -> tuple[float, float]:
    label = find(chrome, f".dot[data-role={role}]").get_attribute("aria-label")
    found = re.search(r"x (\d+), y (\d+)", label)
    assert found, label
    return float(found.group(1)), float(found.group(2))


def near(found: tuple[float, float], wanted: tuple[float, float]) -> bool:
    return abs(found[0] - wanted[0]) <= 2 and abs(found[1] - wanted[1]) <= 2


@pytest.mark.slow
def test_anchors_are_clicked_seen_on_a_face_and_saved(
    chrome: Chrome, command: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    from selenium.webdriver import ActionChains, Keys

    process, url = command
    chrome.get(url)
    assert "token" not in chrome.current_url
    first = wait_until(lambda: face(chrome))

    # One after another: six clicks; nothing is drawn before the last.
    find(chrome, "#guide").click()
    assert "Click the top left point" in find(chrome, "#hint").text
    places = [(60, 150), (400, 62), (740, 150), (738, 458), (400, 618), (62, 458)]
    for place in places:
        click_at(chrome, place)
    for role, place in zip(
        ("top_left", "nose", "top_right", "bottom_right", "chin", "bottom_left"), places, strict=True
    ):
        assert near(position(chrome, role), place)
    assert near(position(chrome, "top_mid_left"), (230, 105))

    # Dragging one corner takes the other along, and the face shows it.
    wait_until(lambda: not chrome.find_elements("css selector", "#face.old"))
    before = wait_until(lambda: face(chrome))
    dot = find(chrome, ".dot[data-role=bottom_left]")
    ActionChains(chrome).drag_and_drop_by_offset(dot, 0, -60).perform()
    after = wait_until(lambda: face(chrome) != before and face(chrome))
    assert position(chrome, "bottom_left")[1] < 430
    assert position(chrome, "bottom_right")[1] == position(chrome, "bottom_left")[1]
    ActionChains(chrome).drag_and_drop_by_offset(dot, 0, 60).perform()

    # A finger does what the mouse does.
    box = dot.rect
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for kind, touches in (
        ("touchStart", [{"x": x, "y": y}]),
        ("touchMove", [{"x": x + 30, "y": y}]),
        ("touchEnd", []),
    ):
        chrome.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    assert wait_until(lambda: position(chrome, "bottom_left")[0] > 62 + 15)
    assert position(chrome, "bottom_right")[0] < 738 - 15
    assert not find(chrome, "#loupe").is_displayed()

    # The keyboard: arrows move the point that has the focus.
    find(chrome, ".dot[data-role=chin]").send_keys(Keys.ARROW_UP, Keys.SHIFT + Keys.ARROW_UP)
    assert position(chrome, "chin")[1] == 618 - 22  # two pixels a step at this width, and ten times that

    # Another spot on the face moves the mask there.
    from selenium.webdriver.support.select import Select

    Select(find(chrome, "#preset")).select_by_visible_text("On the neck")
    lower = wait_until(lambda: face(chrome) not in ("", before, after) and face(chrome))
    assert len({first, before, after, lower}) >= 3
    find(chrome, "#colours [data-colour=red]").click()
    find(chrome, "#colours [data-colour=white]").click()
    wait_until(lambda: face(chrome) not in ("", lower))

    # Crossed edges are said in the page's words, and nothing is saved.
    click_at(chrome, (400, 20))
    told = wait_until(lambda: find(chrome, "#problems").text)
    assert "Chin" in told
    assert "mask.json" not in told
    assert "[" not in told
    name = find(chrome, "#name")
    assert name.get_attribute("value") == "plain-mask"
    name.clear()
    name.send_keys("../evil", Keys.ENTER)
    assert wait_until(lambda: "cannot be a mask's name" in find(chrome, "#problems").text)
    assert not (tmp_path / "mine").exists()
    click_at(chrome, (400, 618))
    wait_until(lambda: not find(chrome, "#problems").text)

    name.clear()
    name.send_keys("tartan")
    find(chrome, "#save").click()
    wait_until(lambda: find(chrome, "#done").is_displayed())
    assert "--masks all," in find(chrome, "#use").text
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    folder = tmp_path / "mine" / "tartan"
    assert out.strip() == str(folder)
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["tartan"]
    assert check_template(folder) == []
    words = json.loads((folder / "mask.json").read_text("utf-8"))
    assert words["anchors"]["bottom"][2]["at"] == {"chin": 0.25}
    assert words["colours"] == {"red": 1}
    wardrobe = load_wardrobe(names=["surgical", f"{folder.parent}/"])
    assert sorted(wardrobe) == ["surgical", "tartan"]
    complaints = [entry for entry in chrome.get_log("browser") if entry["level"] == "SEVERE"]
    assert complaints == []


@pytest.mark.slow
def test_a_mask_that_is_opened_again_keeps_what_the_page_does_not_show(chrome: Chrome, tmp_path: Path) -> None:
    folder = tmp_path / "respirator"
    shutil.copytree(assets_dir("masks") / "respirator", folder)
    with serving(folder / "mask.png", tmp_path) as (_, url):
        chrome.get(url)
        wait_until(lambda: face(chrome))
        words = chrome.execute_script("return words()")
    kept = json.loads((folder / "mask.json").read_text("utf-8"))
    assert words["material"]["rigid"] is True
    assert words["material"] == pytest.approx(kept["material"], abs=0.01)
    assert words["wears"] == kept["wears"]


def test_a_saved_mask_is_drawn(picture: Path, tmp_path: Path, portraits: Path) -> None:
    """Without the page, from a file of anchors; then ``generate`` draws it and nothing else."""
    guessed = begin(read_picture(picture), "x")["anchors"]
    (tmp_path / "anchors.json").write_text(json.dumps(guessed))

    def maskgen(*words: object) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "maskgen.app", *map(str, words)]
        return subprocess.run(line, capture_output=True, text=True, timeout=200, check=False)

    added = maskgen("masks", "add", picture, "--to", tmp_path / "mine", "--anchors", tmp_path / "anchors.json")
    assert added.returncode == 0, added.stderr
    again = maskgen("masks", "add", picture, "--to", tmp_path / "mine", "--anchors", tmp_path / "anchors.json")
    assert again.returncode == 1
    assert "already" in again.stderr
    made = maskgen("generate", portraits, tmp_path / "out", "--masks", f"{tmp_path}/mine/", "--workers", 1)
    assert made.returncode == 0, made.stderr
    lines = [json.loads(line) for line in (tmp_path / "out" / "metadata.jsonl").read_text("utf-8").splitlines()]
    assert {line["template"] for line in lines if line["label"] == "with_mask"} == {"plain-mask"}


@pytest.mark.slow
def test_ctrl_c_leaves_and_writes_nothing(command: tuple[subprocess.Popen[str], str], tmp_path: Path) -> None:
    import signal

    process, _ = command
    time.sleep(1.5)  # dlib is being loaded: the process must still end in good order
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    # Where it came while a module in C ran Python code of its own, Python ends itself by the signal: 130 to a shell.
    assert process.returncode in (130, -signal.SIGINT)
    assert not (tmp_path / "mine").exists()


def _page(picture: Path, tmp_path: Path) -> AnchorPage:
    page = AnchorPage(Draft("plain", read_picture(picture)), tmp_path / "mine", _painted)
    page.find_faces()
    return page


def _painted() -> list[ShownFace]:
    from maskgen.faces.landmarks import face_box
    from maskgen.templates.anchors import typical_landmarks

    marks = typical_landmarks(200, (250, 200))
    face = LandmarkedFace(Face(face_box(marks), 1.0, "hog"), marks, Pose(0, 0, 0))
    photo = np.random.default_rng(0).integers(120, 200, (520, 500, 3), np.uint8)
    return [ShownFace("painted", photo, face)]


def _ask(page: AnchorPage, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    link = http.client.HTTPConnection("127.0.0.1", page.port, timeout=30)
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    link.request("GET" if data is None else "POST", path, data, headers)
    answer = link.getresponse()
    found = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    link.close()
    return found


def test_only_the_page_itself_comes_in(picture: Path, tmp_path: Path) -> None:
    with _page(picture, tmp_path) as page:
        path = page.url.split(str(page.port))[1]
        assert _ask(page, "/")[0] == 403
        assert _ask(page, "/?token=guess")[0] == 403
        assert _ask(page, path, Host="evil.example")[0] == 403
        assert _ask(page, path, Origin="http://evil.example")[0] == 403
        status, headers, _ = _ask(page, path)
        assert (status, headers["location"]) == (303, "/")
        cookie = headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        own = {"Cookie": cookie.split(";")[0]}
        status, headers, body = _ask(page, "/", **own)
        assert status == 200
        assert "default-src 'none'" in headers["content-security-policy"]
        assert b"http" not in re.sub(rb"http://www\.w3\.org\S*", b"", body)  # nothing from the network
        assert _ask(page, "/mask.png", **own)[2].startswith(b"\x89PNG")
        assert _ask(page, "/../../etc/passwd", **own)[0] == 404
        assert _ask(page, "/save", {}, Cookie="x=y")[0] == 403
        assert _ask(page, "/save", b"[1]", **own)[0] == 400
        assert _ask(page, "/save", b"nonsense", **own)[0] == 400
        assert _ask(page, "/preview", b"x" * 300_000, **own)[0] == 413


def test_preview_and_save_answer_with_what_is_wrong(picture: Path, tmp_path: Path) -> None:
    with _page(picture, tmp_path) as page:
        words = begin(read_picture(picture), "plain")
        good = page.preview({"words": words, "view": {"tint": "red", "wear": "nose_out"}})
        assert good["problems"] == []
        assert good["image"].startswith("data:image/jpeg")
        assert len(page.preview({"words": words})["spots"]) == 10
        for words_given in ({}, {"anchors": 3}, {**words, "colours": {"puce": 1}}):
            assert page.preview({"words": words_given})["problems"]
            assert page.save({"words": words_given, "name": "plain"})["problems"]
        assert page.save({"words": words, "name": "a/b"})["problems"]
        assert page.save({"words": words})["problems"]
        assert not (tmp_path / "mine" / "plain").exists()
        assert page.save({"words": words, "name": "plain"})["folder"] == str(tmp_path / "mine" / "plain")
        assert "already" in page.save({"words": words, "name": "plain"})["problems"][0]
    assert check_template(tmp_path / "mine" / "plain") == []


def test_what_came_in_goes_into_no_header(picture: Path, tmp_path: Path) -> None:
    with _page(picture, tmp_path) as page:
        for more in ("%0d%0aSet-Cookie:%20x=1", "&token=%0d%0aSet-Cookie:%20x=1"):
            status, headers, _ = _ask(page, f"/?token={page.token}{more}")
            assert status == (303 if more.startswith("&") else 403)
            assert headers.get("set-cookie", "").count("=") in (0, 3)
        # A length of more digits than Python reads.
        headers = {"Cookie": f"maskgen_{page.port}={page.token}", "Content-Length": "9" * 5000}
        assert _ask(page, "/save", b"{}", **headers)[0] == 413


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnchorPage]:
    folder = tmp_path_factory.mktemp("opened")
    image = Image.new("RGBA", (200, 170), (0, 0, 0, 0))
    ImageDraw.Draw(image).polygon([(x // 4, y // 4) for x, y in OUTLINE], fill=(246, 246, 246, 255))
    image.save(folder / "mask.png")
    with _page(folder / "mask.png", folder) as page:
        (Path(page._scratch.name) / "p.png").write_bytes(page.file("/mask.png"))
        yield page


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_the_page_is_sent_it_says_what_is_wrong(opened: AnchorPage, data: st.DataObject) -> None:
    guessed = begin(read_picture(Path(opened._scratch.name) / "p.png"), "x")
    draft: Any = json.loads(json.dumps({"name": "../x", "words": guessed}))
    place = draft["words"]
    while isinstance(place, (dict, list)) and place:
        key = data.draw(st.sampled_from(sorted(place)) if isinstance(place, dict) else st.integers(0, len(place) - 1))
        if not isinstance(place[key], (dict, list)) or data.draw(st.booleans()):
            place[key] = data.draw(anything)
            break
        place = place[key]
    draft["view"] = data.draw(anything)
    own = {"Cookie": f"maskgen_{opened.port}={opened.token}"}
    for route in ("/preview", "/save"):
        status, _, body = _ask(opened, route, draft, **own)
        assert status == 200
        answer = json.loads(body)
        json.dumps(answer, ensure_ascii=False).encode("utf-8")
        assert not any("something went wrong" in str(one) for one in answer["problems"]), draft


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60) | st.text('{}[]":,0123456789eE.-', max_size=40).map(str.encode))
def test_a_body_of_any_bytes_is_answered(opened: AnchorPage, body: bytes) -> None:
    own = {"Cookie": f"maskgen_{opened.port}={opened.token}"}
    assert _ask(opened, "/preview", body, **own)[0] in (200, 400)


def test_nobody_comes(picture: Path, tmp_path: Path) -> None:
    with _page(picture, tmp_path) as page, pytest.raises(InputError, match="nothing came from a browser"):
        page.wait(0.3)


def test_without_a_face_it_can_still_be_saved(picture: Path, tmp_path: Path) -> None:
    def none() -> list[ShownFace]:
        raise InputError("no face was found in x.jpg")

    with AnchorPage(Draft("plain", read_picture(picture)), tmp_path, none) as page:
        page.find_faces()
        words = begin(read_picture(picture), "plain")
        answer = page.preview({"words": words})
        assert answer["image"] is None
        assert "no face was found" in answer["no_face"]
        assert page.save({"words": words, "name": "plain"})["problems"] == []


def test_a_port_in_use(picture: Path, tmp_path: Path) -> None:
    with _page(picture, tmp_path) as page, pytest.raises(InputError, match="is in use"):
        AnchorPage(Draft("plain", read_picture(picture)), tmp_path, _painted, port=page.port)
