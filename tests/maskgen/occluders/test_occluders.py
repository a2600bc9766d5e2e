"""Confusers and accessories: what every kind must keep, and where some of them must lie."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_face import SIDE, face, turned_landmarks

from maskgen.drawing import board
from maskgen.drawing.layer import Layer
from maskgen.errors import InputError
from maskgen.occluders import registry
from maskgen.occluders.hands import hand
from maskgen.occluders.registry import OCCLUDERS, draw_params, of_kind, weights
from maskgen.occluders.registry import layer as draw_layer
from maskgen.render.composite import lay
from maskgen.render.lighting import Light
from maskgen.render.params import LightParams

SKIN = np.array([0.8, 0.6, 0.5], np.float32)
WHITE = np.ones(3, np.float32)
GREY = np.full(3, 0.6, np.float32)
NAMES = OCCLUDERS.names
every_kind = pytest.mark.parametrize("name", NAMES)
REPOSITORY = Path(__file__).resolve().parents[3]


def draw(name: str, seed: int = 0, yaw_deg: float = 0.0, size: int = SIDE) -> Layer:
    params = draw_params(name, np.random.default_rng(seed))
    layer = draw_layer(name, face(yaw_deg), params, (size, size), SKIN)
    assert isinstance(layer, Layer)
    return layer


def alpha_in_photo(layer: Layer, size: int = SIDE) -> Any:
    photo = np.zeros((size + 8, size + 8), np.float32)
    x, y = layer.origin_xy
    h, w = layer.rgba.shape[:2]
    photo[y + 4 : y + 4 + h, x + 4 : x + 4 + w] = layer.rgba[..., 3]
    return photo[4:-4, 4:-4]


@every_kind
def test_params_survive_json_and_draw_the_same_bytes(name: str) -> None:
    params = draw_params(name, np.random.default_rng(5))
    again = json.loads(json.dumps(params, allow_nan=False))
    assert again == params
    first = draw_layer(name, face(), params, (SIDE, SIDE), SKIN)
    second = draw_layer(name, face(), again, (SIDE, SIDE), SKIN)
    assert first.rgba.tobytes() == second.rgba.tobytes()
    assert first.height.tobytes() == second.height.tobytes()
    assert first.origin_xy == second.origin_xy


@every_kind
def test_same_generator_same_params(name: str) -> None:
    first = draw_params(name, np.random.default_rng(9))
    assert first == draw_params(name, np.random.default_rng(9))
    assert first != draw_params(name, np.random.default_rng(10))


@every_kind
@pytest.mark.parametrize("yaw_deg", [-50.0, 0.0, 35.0])
def test_layers_are_clean_and_there_is_something_on_them(name: str, yaw_deg: float) -> None:
    for seed in range(6):
        layer = draw(name, seed, yaw_deg)
        rgba, height = layer.rgba, layer.height
        assert np.isfinite(rgba).all()
        assert (rgba >= 0).all()
        assert (rgba <= 1).all()
        assert (rgba[..., :3] <= rgba[..., 3:] + 1e-4).all()
        assert height is not None
        assert height.shape == rgba.shape[:2]
        assert np.isfinite(height).all()
        assert alpha_in_photo(layer).sum() > 30


@every_kind
@pytest.mark.parametrize("size", [SIDE, 60])
def test_white_over_white_stays_white(name: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edge that is half covered has the thing's own colour: no dark outline betrays what is drawn."""
    monkeypatch.setattr(board.Board, "tint", lambda self, factor, channels=(1, 1, 1): None)
    paint = board.Board.lay
    monkeypatch.setattr(board.Board, "lay", lambda self, cover, rgb, height=None: paint(self, cover, WHITE, height))
    for seed in range(4):
        params = draw_params(name, np.random.default_rng(seed))
        marks = turned_landmarks(0) * (size / SIDE)
        rgba = draw_layer(name, face(landmarks=marks), params, (size, size), WHITE).rgba
        assert np.abs(rgba[..., :3] - rgba[..., 3:]).max() < 2e-3
        assert rgba[..., 3].max() > 0.05


def test_in_even_light_edges_are_no_darker_than_a_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grey laid over the same grey: where it half covers, masks are 9 to 24 of 255 darker than what lies beneath."""
    monkeypatch.setattr(board.Board, "tint", lambda self, factor, channels=(1, 1, 1): None)
    paint = board.Board.lay
    monkeypatch.setattr(board.Board, "lay", lambda self, cover, rgb, height=None: paint(self, cover, GREY, height))
    under = np.full((SIDE, SIDE, 3), 153, np.uint8)
    light = Light(1.0, WHITE, (0.0, 0.0), np.ones((8, 8), np.float32), 1.0, 0.3, 0.0)
    params = LightParams(shadow=0.0, translucency=0.0)
    darker = {}
    for name in NAMES:
        rims = []
        for seed in range(3):
            picture, alpha, _ = lay(under, draw(name, seed), light, face(), params)
            half = (alpha > 0.15) & (alpha < 0.85)
            rims.append(float(picture[half].mean()) - 153)
        darker[name] = np.mean(rims)
    assert min(darker.values()) > -20, darker
    assert -10 < np.mean(list(darker.values())) < 3, darker


@every_kind
def test_params_are_not_changed_by_drawing(name: str) -> None:
    params = draw_params(name, np.random.default_rng(2))
    before = json.dumps(params)
    draw_layer(name, face(), params, (SIDE, SIDE), SKIN)
    assert json.dumps(params) == before


@every_kind
def test_a_tiny_face_and_one_cut_off_by_the_frame_can_be_drawn(name: str) -> None:
    params = draw_params(name, np.random.default_rng(3))
    for marks, size in ((turned_landmarks(0) * 0.07, 18), (turned_landmarks(0) - (90, 60), 60)):
        layer = draw_layer(name, face(landmarks=marks), params, (size, size), SKIN)
        assert np.isfinite(layer.rgba).all()


@pytest.mark.parametrize(
    "name", ["hand", "scarf", "shirt", "bandana", "cup", "phone", "microphone", "food", "crowd", "paper"]
)
def test_most_confusers_cover_part_of_the_lower_face(name: str) -> None:
    """The median over seeds of how much of the lower face's box lies beneath."""
    marks = turned_landmarks(0)
    left, right = int(marks[3, 0]), int(marks[13, 0])
    top, bottom = int(marks[30, 1]), int(marks[8, 1])
    covered = [alpha_in_photo(draw(name, seed))[top:bottom, left:right].mean() for seed in range(12)]
    assert np.median(covered) > 0.12


@pytest.mark.parametrize(
    "name", ["glasses", "sunglasses", "hood", "headscarf", "cap", "hard_hat", "surgical_cap", "balaclava"]
)
def test_accessories_leave_mouth_and_nose_free(name: str) -> None:
    marks = turned_landmarks(0)
    x, y = marks[[33, 51, 57]].mean(0).astype(int)
    for seed in range(10):
        assert alpha_in_photo(draw(name, seed))[y - 12 : y + 12, x - 12 : x + 12].mean() < 0.02


@pytest.mark.parametrize("way", ["below", "corner", "side"])
def test_somebody_in_front_hides_a_part_of_the_face_but_never_both_eyes(way: str) -> None:
    marks = turned_landmarks(0)
    low, high = marks.min(0).astype(int), marks.max(0).astype(int)
    hidden = []
    for name in ("passer_by", "crowd"):
        for seed in range(12):
            params = draw_params(name, np.random.default_rng(seed)) | {"way": way}
            alpha = alpha_in_photo(draw_layer(name, face(), params, (SIDE, SIDE), SKIN))
            hidden.append(alpha[low[1] : high[1], low[0] : high[0]].mean())
            eyes = [alpha[tuple(marks[a:b].mean(0).astype(int)[::-1])] for a, b in ((36, 42), (42, 48))]
            assert min(eyes) < 0.5
    assert 0.02 < np.median(hidden) < 0.55


def test_a_hard_hat_sits_above_the_eyes_and_its_strap_runs_before_the_ear() -> None:
    marks = turned_landmarks(0)
    plain = {"strap": False, "muffs": False, "vest": False, "visor": False}
    for seed in range(10):
        drawn = draw_params("hard_hat", np.random.default_rng(seed))
        alpha, strapped = (
            alpha_in_photo(draw_layer("hard_hat", face(), drawn | parts, (SIDE, SIDE), SKIN))
            for parts in (plain, plain | {"strap": True})
        )
        for eye in (marks[36:42].mean(0), marks[42:48].mean(0)):
            assert alpha[int(eye[1]), int(eye[0])] < 0.5
        brow = int(marks[17:27, 1].mean() - 0.35 * (marks[16, 0] - marks[0, 0]))
        assert alpha[max(brow, 0), int(marks[27, 0])] > 0.9
        cheek = slice(int(marks[2, 1]), int(marks[6, 1]))
        near_ears = np.abs(np.arange(SIDE) - marks[27, 0]) > 0.35 * (marks[16, 0] - marks[0, 0])
        assert (strapped - alpha)[cheek][:, near_ears].max() > 0.5


@pytest.mark.parametrize("name", ["balaclava", "headscarf", "hood"])
def test_cloth_round_a_head_falls_on_the_shoulders_without_a_step(name: str) -> None:
    """It stood out below the cheeks like a shelf, with a corner on each side."""
    marks = turned_landmarks(0)
    wide = float(marks[16, 0] - marks[0, 0])
    rows = slice(int(marks[33, 1]), int(marks[8, 1] + 0.1 * wide))
    for seed in range(8):
        shown = alpha_in_photo(draw(name, seed))[rows] > 0.5
        left, right = shown.argmax(axis=1), shown[:, ::-1].argmax(axis=1)
        assert max(np.abs(np.diff(left)).max(), np.abs(np.diff(right)).max()) < 0.06 * wide


def test_a_surgical_cap_is_round() -> None:
    """Narrower near its top than at its hem; it was a box."""
    marks = turned_landmarks(0) * 0.6 + (0.2 * SIDE, 0.38 * SIDE)
    for seed in range(8):
        drawn = draw_params("surgical_cap", np.random.default_rng(seed)) | {"style": "tied", "tilt": 0.0}
        alpha = alpha_in_photo(draw_layer("surgical_cap", face(landmarks=marks), drawn, (SIDE, SIDE), SKIN))
        widths = (alpha > 0.5).sum(axis=1)
        filled = np.flatnonzero(widths)
        tall = len(filled)
        assert widths[filled[tall // 8]] < 0.75 * widths.max()


def test_hair_has_no_upper_edge_where_it_grows_from_hair() -> None:
    """Locks and fringes began like a wig that lies on the head."""
    for seed in range(12):
        marks = turned_landmarks(0) * 0.6 + (0.2 * SIDE, 0.38 * SIDE)
        params = draw_params("hair", np.random.default_rng(seed))
        alpha = alpha_in_photo(draw_layer("hair", face(landmarks=marks), params, (SIDE, SIDE), SKIN))
        roots = np.flatnonzero((alpha > 0.02).any(axis=1))[:4]
        begun = alpha[roots]
        assert begun[begun > 0.02].mean() < 0.5, seed


def test_paper_that_ends_in_the_picture_is_held() -> None:
    for seed in range(60):
        params = draw_params("paper", np.random.default_rng(seed))
        assert params["hand"] is not None or params["at"][1] + params["size"][1] > 1.09


def test_sunglasses_lie_on_both_eyes() -> None:
    marks = turned_landmarks(0)
    for seed in range(10):
        alpha = alpha_in_photo(draw("sunglasses", seed))
        for eye in (marks[36:42].mean(0), marks[42:48].mean(0)):
            assert alpha[int(eye[1]), int(eye[0])] > 0.5


@pytest.mark.parametrize("pose", list(hand.POSES))
def test_every_pose_of_the_hand_reaches_the_face(pose: str) -> None:
    marks = turned_landmarks(0)
    low, high = marks[:17].min(0).astype(int), marks[:17].max(0).astype(int)
    for side in (-1, 1):
        rng = np.random.default_rng(4)
        params = {"pose": pose, "hands": [hand.draw_hand_params(rng, pose, side, sleeve=None)]}
        alpha = alpha_in_photo(hand.layer(face(), params, (SIDE, SIDE), SKIN))
        assert alpha[low[1] : high[1], low[0] : high[0]].sum() > 150


def test_a_hand_takes_the_skin_it_is_given() -> None:
    params = {"pose": "flat", "hands": [hand.draw_hand_params(np.random.default_rng(0), "flat", 1, sleeve=None)]}
    params["hands"][0] |= {"glove": None, "nails": None, "watch": None, "ring": None}
    for skin in ((0.85, 0.66, 0.56), (0.32, 0.21, 0.16)):
        rgba = hand.layer(face(), params, (SIDE, SIDE), np.asarray(skin, np.float32)).rgba
        solid = rgba[rgba[..., 3] > 0.95][:, :3]
        assert np.allclose(np.median(solid, axis=0), np.asarray(skin) * params["hands"][0]["tone"], atol=0.09)


def test_a_mirrored_hand_comes_from_the_other_side() -> None:
    # With what is drawn by chance on the skin left out, coverage mirrors.
    one = hand.draw_hand_params(np.random.default_rng(1), "flat", 1, sleeve=None, watch=None)
    other = one | {"side": -1, "at": [-one["at"][0], one["at"][1]]}
    marks = turned_landmarks(0)
    marks = marks - ((marks[33] + marks[48:68].mean(0)) / 2)[0] * np.array([1, 0]) + (SIDE / 2, 0)
    ours, theirs = (
        alpha_in_photo(hand.layer(face(landmarks=marks), {"hands": [one_]}, (SIDE, SIDE), SKIN))
        for one_ in (one, other)
    )
    assert np.abs(ours - theirs[:, ::-1]).mean() < 0.02


def test_variety() -> None:
    """Two draws of a kind are two pictures."""
    for name in NAMES:
        sums = {round(float(draw(name, seed).rgba.sum()), 1) for seed in range(5)}
        assert len(sums) == 5, name


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r'no confuser or accessory is called "moose"; choose from hand, scarf'):
        draw_params("moose", np.random.default_rng(0))


def test_every_module_of_the_two_folders_is_registered_under_its_kind() -> None:
    """One new file is all that a new kind needs."""
    for folder, kind in (("confusers", "confuser"), ("accessories", "accessory")):
        files = {path.stem for path in (Path(registry.__file__).parent / folder).glob("*.py")} - {"__init__"}
        assert files == set(of_kind(kind))  # type: ignore[arg-type]


def test_chance_goes_through_them_in_an_order_that_new_ones_do_not_change() -> None:
    """Another order would draw another thing from the same seed."""
    confusers = [
        "hand",
        "scarf",
        "shirt",
        "collar",
        "bandana",
        "beard",
        "phone",
        "cup",
        "microphone",
        "food",
        "crowd",
        "paper",
    ]
    accessories = "glasses sunglasses cap hard_hat surgical_cap balaclava hood hair headscarf face_shield passer_by"
    assert [name for name, _ in weights("confuser")][:12] == confusers
    assert [name for name, _ in weights("accessory")][:11] == accessories.split()


def test_an_occluder_says_what_it_is_in_known_words() -> None:
    one = OCCLUDERS.load("cup")
    for field, value in (("kind", "hat"), ("place", "before"), ("family", "shoes"), ("weight", -1.0)):
        with pytest.raises(InputError, match=field):
            replace(one, **{field: value})


def test_the_docs_name_every_kind() -> None:
    """``make gallery`` writes the page."""
    text = (REPOSITORY / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`{name}`" not in text] == []
