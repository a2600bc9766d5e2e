"""One photo, with the real finder, masks and camera."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from maskgen.dataset import reproduce
from maskgen.dataset.describe import describe, rounded
from maskgen.dataset.engines.base import Outcome, Task
from maskgen.dataset.lines import dumps, parse_object, parse_record
from maskgen.dataset.pair import ATTEMPTS
from maskgen.dataset.recipe import sampling_settings
from maskgen.dataset.record import Record
from maskgen.dataset.settings import Settings
from maskgen.dataset.wardrobe import open_wardrobe
from maskgen.dataset.worker import PhotoWorker, open_finder
from maskgen.errors import InputError
from maskgen.faces.pose import head_pose
from maskgen.images import decode_rgb, encode, read_rgb, write
from maskgen.render.face import render
from maskgen.render.params import ImageParams
from maskgen.types import WEARS


class Memory:
    """A store that keeps what it is given."""

    root = "memory"

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def write(self, name: str, data: bytes) -> None:
        self.files[name] = data


@pytest.fixture(scope="module")
def finder() -> Any:
    return open_finder(Settings("out"))


@pytest.fixture(scope="module")
def wardrobe() -> Any:
    return open_wardrobe(Settings("out"))


def do(path: Path, finder: Any, wardrobe: Any, **settings: Any) -> tuple[Outcome, dict[str, bytes]]:
    store = Memory()
    worker = PhotoWorker(Settings("out", **settings), finder, wardrobe, store)  # type: ignore[arg-type]
    return whole(worker, Task(0, str(path))), store.files


def whole(worker: PhotoWorker, task: Task) -> Outcome:
    """A photo's parts as one outcome."""
    lines, files = [], []
    while True:
        outcome = worker.do(task)
        lines += outcome.lines
        files += outcome.files
        if outcome.rest is None:
            return replace(outcome, lines=tuple(lines), files=tuple(files))
        task = replace(task, rest=outcome.rest)


def records(outcome: Outcome) -> list[Record]:
    return [parse_record(line) for line in outcome.lines]


def test_a_face_gives_one_image_of_each_class(astronaut_path: Path, finder: Any, wardrobe: Any) -> None:
    outcome, files = do(astronaut_path, finder, wardrobe, per_face=2)
    assert outcome.reason is None
    assert [r.label for r in records(outcome)] == ["with_mask", "without_mask"] * 2
    assert sorted(files) == sorted(outcome.files)
    assert len({r.split for r in records(outcome)}) == 1
    for record in records(outcome):
        masked = record.label == "with_mask"
        assert bool(record.face.coverage) == masked
        assert (record.face.template in wardrobe) == masked
        assert record.size_wh == (224, 224)
        assert len(record.face.landmarks) == 68
    assert outcome.counts["images"] == 4


def test_the_same_photo_gives_the_same_bytes(hopper_path: Path, finder: Any, wardrobe: Any) -> None:
    first, second = (do(hopper_path, finder, wardrobe) for _ in range(2))
    assert first[1] == second[1]
    assert first[0].lines == second[0].lines
    other, files = do(hopper_path, finder, wardrobe, seed=1)
    assert files != first[1]
    assert other.files == first[0].files


def test_three_classes(hopper_path: Path, finder: Any, wardrobe: Any) -> None:
    outcome, _ = do(hopper_path, finder, wardrobe, classes=3, per_face=3)
    for record in records(outcome):
        if record.label == "incorrect_mask":
            assert record.face.wear in WEARS[1:]
        elif record.label == "with_mask":
            assert record.face.wear == "correct"


def test_badly_worn_masks_count_as_the_user_says(hopper_path: Path, finder: Any, wardrobe: Any) -> None:
    outcome, _ = do(hopper_path, finder, wardrobe, per_face=4, wears=("nose_out",), count_incorrect_as="with_mask")
    assert {r.face.wear for r in records(outcome) if r.label == "with_mask"} == {"nose_out"}
    outcome, _ = do(
        hopper_path, finder, wardrobe, per_face=20, confusers=0.0, size=64, count_incorrect_as="without_mask"
    )
    bare = [r for r in records(outcome) if r.label == "without_mask"]
    assert {r.face.wear for r in bare} - {None, *WEARS[1:]} == set()
    assert any(r.face.wear for r in bare)
    assert {r.face.wear for r in records(outcome) if r.label == "with_mask"} == {"correct"}


def test_the_chin_is_left_bare_only_where_that_is_asked_for(hopper_path: Path, finder: Any, wardrobe: Any) -> None:
    outcome, _ = do(hopper_path, finder, wardrobe, classes=3, wears=("correct", "chin_out"))
    assert {r.face.wear for r in records(outcome)} == {"correct", "chin_out", None}
    usual = sampling_settings(Settings("out", classes=3))
    assert {wear for wear, _ in usual.incorrect_wears} == set(WEARS) - {"correct", "chin_out"}


def test_a_scene_dresses_every_face(tmp_path: Path, astronaut: Any, hopper: Any, finder: Any, wardrobe: Any) -> None:
    both = np.concatenate([astronaut, hopper[:512]], axis=1)
    write(tmp_path / "both.png", both)
    outcome, files = do(tmp_path / "both.png", finder, wardrobe, crop="scene", camera="none", confusers=0.0)
    assert [len(r.faces) for r in records(outcome)] == [2, 2]
    masked = records(outcome)[0]
    assert masked.size_wh == (1024, 512)
    assert {f.label for f in masked.faces} == {"with_mask"}
    assert all(f.coverage for f in masked.faces)
    left, right = sorted(masked.faces, key=lambda f: f.box_xyxy[0])
    assert left.box_xyxy[2] < 512 < right.box_xyxy[0]
    assert reproduce.remake(masked, wardrobe) == files[masked.file_name]
    faces, _ = do(tmp_path / "both.png", finder, wardrobe)
    assert [r.face.face_index for r in records(faces)] == [0, 0, 1, 1]


def test_what_gives_nothing_says_why(tmp_path: Path, hopper: Any, finder: Any, wardrobe: Any) -> None:
    write(tmp_path / "grey.png", np.full((200, 300, 3), 90, np.uint8))
    assert do(tmp_path / "grey.png", finder, wardrobe)[0].reason == "no_face"
    (tmp_path / "cut.jpg").write_bytes(encode(hopper)[:5000])
    assert do(tmp_path / "cut.jpg", finder, wardrobe)[0].reason == "truncated"
    assert do(tmp_path / "nowhere.jpg", finder, wardrobe)[0].reason == "unreadable"
    write(tmp_path / "hopper.png", hopper)
    assert do(tmp_path / "hopper.png", finder, wardrobe, min_face=1000)[0].reason == "too_small"


def test_a_bug_on_one_photo_is_named_and_the_next_goes_on(hopper_path: Path, wardrobe: Any) -> None:
    class Broken:
        def find(self, image: Any) -> Any:
            raise ZeroDivisionError("in the finder")

    outcome, files = do(hopper_path, Broken(), wardrobe)
    assert (outcome.reason, outcome.detail) == ("failed", "ZeroDivisionError: in the finder")
    assert files == {}


@pytest.mark.parametrize(("number", "words"), [(28, "full"), (2, "has gone"), (13, "cannot write")])
def test_an_output_that_fails_ends_the_run(
    number: int, words: str, hopper_path: Path, finder: Any, wardrobe: Any
) -> None:
    class Failing(Memory):
        def write(self, name: str, data: bytes) -> None:
            raise OSError(number, "as told")

    worker = PhotoWorker(Settings("out"), finder, wardrobe, Failing())  # type: ignore[arg-type]
    fatal = worker.do(Task(0, str(hopper_path))).fatal
    assert fatal is not None
    assert words in fatal


@pytest.mark.parametrize("settings", [
    {"classes": 3, "per_face": 6, "accessories": 1.0, "turn": 0.5},
    {"confusers": 1.0, "accessories": 0.0, "per_face": 8, "size": 96},
    {"confusers": 0.0, "camera": "none", "size": 320, "extension": "png", "per_face": 2},
    {"crop": "scene", "extension": "webp", "classes": 3},
])  # fmt: skip
def test_every_image_is_made_again_from_its_line(
    settings: dict[str, Any], astronaut_path: Path, hopper_path: Path, finder: Any, wardrobe: Any
) -> None:
    for path in (astronaut_path, hopper_path):
        outcome, files = do(path, finder, wardrobe, **settings)
        assert outcome.reason is None, outcome.detail
        for record in records(outcome):
            assert reproduce.remake(record, wardrobe) == files[record.file_name], record.file_name


def test_every_mask_and_wear_is_made_again_from_its_line(hopper_path: Path, finder: Any, wardrobe: Any) -> None:
    """One draw for each pair; the line is what ``generate`` writes."""
    from maskgen.render.face import render
    from maskgen.render.params import ImageParams, MaskParams

    image = read_rgb(hopper_path)
    face = rounded(finder.find(image).faces[0])
    for name, wear in itertools.product(sorted(wardrobe), WEARS):
        if wear not in wardrobe[name].wears:
            continue
        params = ImageParams("with_mask", mask=MaskParams(name, wear, wrinkle=0.5, wrinkle_seed=7, grime=0.3))
        first = render(image, face, params, wardrobe)
        line = dumps({"p": params.to_json()})
        again = ImageParams.from_json(parse_object(line)["p"])
        assert again == params
        described = describe(first, params, face, 0, 0)
        assert reproduce.face_of(described).landmarks.tolist() == face.landmarks.tolist()
        second = render(image, reproduce.face_of(described), again, wardrobe)
        assert np.array_equal(first.image, second.image), (name, wear)


def test_everything_that_covers_a_face_is_made_again_from_its_line(hopper_path: Path, finder: Any) -> None:
    from maskgen.occluders.registry import OCCLUDERS, draw_params
    from maskgen.render.face import render
    from maskgen.render.params import CropParams, Extra, ImageParams

    image = read_rgb(hopper_path)
    face = rounded(finder.find(image).faces[0])
    rng = np.random.default_rng(3)
    for name, occluder in OCCLUDERS.load_all().items():
        extra = Extra(name, draw_params(name, rng))
        covers = {"confuser": extra} if occluder.kind == "confuser" else {"accessories": (extra,)}
        params = ImageParams("without_mask", CropParams(size=128), **covers)  # type: ignore[arg-type]
        first = render(image, face, params, {})
        again = ImageParams.from_json(parse_object(dumps(params.to_json())))
        described = describe(first, again, face, 0, 0)
        second = render(image, reproduce.face_of(described), again, {})
        assert np.array_equal(first.image, second.image), name


def test_another_photo_is_refused(tmp_path: Path, hopper_path: Path, finder: Any, wardrobe: Any) -> None:
    path = tmp_path / "photo.jpg"
    shutil.copyfile(hopper_path, path)
    outcome, files = do(path, finder, wardrobe)
    record = records(outcome)[0]
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(InputError, match="its bytes differ"):
        reproduce.remake(record, wardrobe)
    assert reproduce.remake(record, wardrobe, str(hopper_path)) == files[record.file_name]


def test_every_attempt_draws_anew(
    hopper_path: Path, finder: Any, wardrobe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from maskgen.render import face

    drawn: list[str] = []

    def refuse(rendered: Any, params: Any) -> str | None:
        drawn.append(dumps(params.to_json()))
        return "mask_hidden" if len(drawn) < 4 else None

    monkeypatch.setattr(face, "gate", refuse)
    outcome, _ = do(hopper_path, finder, wardrobe, size=64)
    assert len(set(drawn[:4])) == 4
    assert [r.face.attempt for r in records(outcome)] == [3, 0]
    drawn.clear()
    monkeypatch.setattr(face, "gate", lambda *_: drawn.append("") or "mask_hidden")
    outcome, files = do(hopper_path, finder, wardrobe, size=64)
    assert (outcome.reason, len(drawn), files) == ("mask_hidden", ATTEMPTS, {})
    assert outcome.counts["rejected:mask_hidden"] == 1


class Crowd:
    """A finder that sees the portrait's face, and others that it cannot use or that take no mask."""

    def __init__(self, finder: Any, usable: int, rejected: int) -> None:
        self.finder, self.usable, self.rejected = finder, usable, rejected

    def find(self, image: Any) -> Any:
        found = self.finder.find(image)
        (face,) = found.faces
        return replace(found, faces=(face,) * self.usable, rejected=((face.face, "too_small"),) * self.rejected)


def test_a_panorama_with_one_masked_face_of_many_is_not_filed(
    hopper_path: Path, finder: Any, wardrobe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most of the faces that are to be seen in it would stay bare."""
    from maskgen.render import face

    outcome, files = do(hopper_path, Crowd(finder, 1, 23), wardrobe, crop="scene")
    assert (outcome.reason, files) == ("few_masked", {})
    assert do(hopper_path, Crowd(finder, 1, 1), wardrobe, crop="scene")[0].reason is None
    assert do(hopper_path, Crowd(finder, 1, 23), wardrobe)[0].reason is None, "a face alone is filed"
    shy = itertools.count()

    def refuse(_: Any, params: Any) -> str | None:
        """Three of four faces take no mask; without one, all pass."""
        return "mask_hidden" if params.mask is not None and next(shy) % 4 else None

    monkeypatch.setattr(face, "gate", refuse)
    outcome, files = do(hopper_path, Crowd(finder, 4, 0), wardrobe, crop="scene", camera="none")
    assert (outcome.reason, files) == ("mask_hidden", {})


class Streamed:
    """A store that remembers how many images the worker held when each was written."""

    root = "memory"

    def __init__(self, drawn: list[int]) -> None:
        self.drawn, self.most = drawn, 0
        self.files: dict[str, bytes] = {}

    def write(self, name: str, data: bytes) -> None:
        self.files[name] = data
        self.most = max(self.most, len(self.drawn) - len(self.files) + 1)


def test_a_photo_of_many_images_is_streamed_in_parts(
    hopper_path: Path, finder: Any, wardrobe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    monkeypatch.setattr("maskgen.dataset.pair.encode", lambda *words: drawn.append(1) or encode(*words))
    looked: list[int] = []

    class Watched:
        def find(self, image: Any) -> Any:
            looked.append(1)
            return finder.find(image)

    wanted, files = do(hopper_path, finder, wardrobe, per_face=12, size=64)
    drawn.clear()
    monkeypatch.setattr("maskgen.dataset.worker.PART_S", 0.05)
    store = Streamed(drawn)
    worker = PhotoWorker(Settings("out", per_face=12, size=64), Watched(), wardrobe, store)  # type: ignore[arg-type]
    outcome, parts, lines = worker.do(Task(0, str(hopper_path))), 1, list[str]()
    while outcome.rest is not None:
        assert len(outcome.lines) < 24
        lines += outcome.lines
        outcome, parts = worker.do(Task(0, str(hopper_path), rest=outcome.rest)), parts + 1
    assert (parts > 2, store.most <= 2, len(looked)) == (True, True, 1)
    assert store.files == files
    assert (*lines, *outcome.lines) == wanted.lines
    assert outcome.counts == wanted.counts


def test_the_rest_of_a_photo_may_be_anothers(
    tmp_path: Path, hopper_path: Path, finder: Any, wardrobe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maskgen.dataset.worker.PART_S", 0.0)
    path = tmp_path / "photo.jpg"
    shutil.copyfile(hopper_path, path)
    settings = Settings("out", per_face=3, size=64)
    first, second = (PhotoWorker(settings, finder, wardrobe, Memory()) for _ in range(2))  # type: ignore[arg-type]
    rest = first.do(Task(0, str(path))).rest
    assert rest is not None
    assert rest.copy == 1
    outcome = second.do(Task(0, str(path), rest=rest))
    assert [parse_record(line).copy for line in outcome.lines] == [1, 1]
    path.write_bytes(path.read_bytes() + b"\0")
    third = PhotoWorker(settings, finder, wardrobe, Memory())  # type: ignore[arg-type]
    outcome = third.do(Task(0, str(path), rest=rest))
    assert (outcome.reason, outcome.source_id) == ("unreadable", rest.source_id)


def test_a_scene_of_many_faces_may_take_its_time(hopper_path: Path, finder: Any, wardrobe: Any) -> None:
    worker = PhotoWorker(Settings("out", crop="scene"), Crowd(finder, 20, 0), wardrobe, Memory())  # type: ignore[arg-type]
    rest = worker.do(Task(0, str(hopper_path))).rest
    assert rest is not None
    assert (rest.load, rest.copy) == (20, 0)


def test_what_is_written_of_scarves_as_masks_covers_nose_mouth_and_chin(
    hopper_path: Path, finder: Any, wardrobe: Any
) -> None:
    outcome, _ = do(hopper_path, finder, wardrobe, scarf_label="with_mask", confusers=1.0, per_face=40, camera="none")
    lines = records(outcome)
    scarves = [r.face for r in lines if r.label == "with_mask" and r.face.template is None]
    assert scarves
    assert {face.params["confuser"]["name"] for face in scarves} <= {"scarf", "bandana", "shirt"}
    again = decode_rgb(hopper_path.read_bytes())
    for face in scarves:
        drawn = render(again, reproduce.face_of(face), ImageParams.from_json(face.params), wardrobe)
        assert min(drawn.covers.nose, drawn.covers.mouth, drawn.covers.chin) >= 0.75
    others = {
        r.face.params["confuser"]["name"] for r in lines if r.label == "without_mask" and r.face.params.get("confuser")
    }
    assert not others & {"scarf", "bandana", "shirt"}


def test_the_line_of_a_turned_head_has_the_pose_that_is_seen(hopper_path: Path, finder: Any, wardrobe: Any) -> None:
    outcome, _ = do(hopper_path, finder, wardrobe, turn=1.0, per_face=4)
    for record in records(outcome):
        own = reproduce.face_of(record.face).pose
        seen = head_pose(np.array(record.face.landmarks))
        assert abs(record.face.pose_deg[0] - own.yaw_deg) > 5
        # Read from the turned landmarks by another way; dlib's points are no perfect head.
        assert record.face.pose_deg[0] == pytest.approx(seen.yaw_deg, abs=15)


def test_tight_crops_are_masked(tmp_path: Path, hopper: Any, finder: Any, wardrobe: Any) -> None:
    """LFW style, from the eyes to below the mouth, and 112 x 112 as recognition aligns faces."""
    marks = finder.find(hopper).faces[0].landmarks
    low, high = marks[:17].min(0).astype(int), marks[:17].max(0).astype(int)
    top, bottom = int(marks[36:48, 1].min()) - 6, int(marks[57, 1] * 0.6 + marks[8, 1] * 0.4)
    tight = hopper[top:bottom, low[0] : high[0]]
    five = np.array([marks[36:42].mean(0), marks[42:48].mean(0), marks[30], marks[48], marks[54]])
    # Where ArcFace and its kin put the five points.
    places = np.array([[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]])
    matrix, _ = cv2.estimateAffinePartial2D(five, places)
    aligned = cv2.warpAffine(hopper, matrix, (112, 112), flags=cv2.INTER_AREA)
    for name, crop in (("tight", tight), ("aligned", aligned)):
        write(tmp_path / f"{name}.png", np.ascontiguousarray(crop))
        outcome, files = do(tmp_path / f"{name}.png", finder, wardrobe, camera="none")
        assert outcome.reason is None, (name, outcome)
        assert len(files) == 2
