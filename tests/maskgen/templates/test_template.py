"""The wardrobe is sound; a folder with a fault is told which, and where."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from maskgen.assets import assets_dir
from maskgen.drawing.palette import PALETTE
from maskgen.errors import TemplateError
from maskgen.templates import reader
from maskgen.templates.anchors import typical_landmarks
from maskgen.templates.reader import check_template, load_template, load_wardrobe
from maskgen.templates.template import WORKING_WIDTH

if TYPE_CHECKING:
    from pathlib import Path

NAMES = reader.names()
WORDS: dict[str, Any] = {
    "title": "Test",
    "kind": "cloth",
    "anchors": {
        "top": [
            {"xy": [10, 20], "at": {"jaw": 2}},
            {"xy": [100, 10], "at": {"bridge": 28}},
            {"xy": [190, 20], "at": {"jaw": 14}},
        ],
        "bottom": [
            {"xy": [10, 90], "at": {"jaw": 5}},
            {"xy": [100, 140], "at": {"chin": 0.03}},
            {"xy": [190, 90], "at": {"jaw": 11}},
        ],
    },
    "straps": [{"from": [12, 30], "to": "ear_top", "width": 0.02, "colour": "#ff8000"}],
    "colours": {"white": 2, "black": 1},
    "material": {"translucency": 0.1, "gloss": 0.2, "relief": 0.1},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound little mask of 200 x 150 pixels, half of it opaque."""
    mask = tmp_path / "little"
    mask.mkdir()
    rgba = np.full((150, 200, 4), 240, np.uint8)
    rgba[..., 3] = 0
    rgba[20:120, 10:190, 3] = 255
    Image.fromarray(rgba, "RGBA").save(mask / "mask.png")
    Image.fromarray(np.tile(np.arange(200, dtype=np.uint8), (150, 1))).save(mask / "height.png")
    Image.fromarray(np.full((75, 100, 3), (255, 51, 0), np.uint8)).save(mask / "regions.png")
    (mask / "mask.json").write_text(json.dumps(WORDS, indent=1))
    return mask


def rewrite(folder: Path, **changes: Any) -> None:
    (folder / "mask.json").write_text(json.dumps({**WORDS, **changes}))


# The wardrobe that ships


def test_there_are_enough_masks_of_enough_kinds() -> None:
    wardrobe = load_wardrobe()
    assert list(wardrobe) == NAMES
    assert len(wardrobe) >= 16
    kinds = {template.kind for template in wardrobe.values()}
    assert kinds >= {"surgical", "kn95", "ffp2", "cup", "duckbill", "sponge", "cloth", "sport", "respirator"}


@pytest.mark.parametrize("name", NAMES)
def test_every_mask_is_sound(name: str) -> None:
    folder = assets_dir("masks") / name
    assert check_template(folder) == []
    template = load_template(folder)
    assert template.size_wh[0] >= 1024
    assert template.height is not None
    assert template.regions is not None
    assert template.height.shape == template.rgba.shape[:2] == template.regions.shape[:2]
    assert np.ptp(template.height) > 0.9
    assert "correct" in template.wears
    assert {colour for colour, _ in template.colours} <= set(PALETTE)


@pytest.mark.parametrize("name", NAMES)
def test_every_mask_covers_nose_and_mouth_and_is_symmetrical(name: str) -> None:
    template = load_wardrobe()[name]
    face = typical_landmarks()
    for edge in (template.top, template.bottom):
        assert len(edge) >= 5
        points = np.array([anchor.spot.resolve(face) for anchor in edge])
        assert points[:, 0] == pytest.approx(-points[::-1, 0], abs=1e-6)
        assert points[:, 1] == pytest.approx(points[::-1, 1], abs=1e-6)
    middle_top = template.top[len(template.top) // 2].spot.resolve(face)[1]
    middle_bottom = template.bottom[len(template.bottom) // 2].spot.resolve(face)[1]
    assert -0.03 < middle_top < face[30, 1]
    assert middle_bottom > face[57, 1] + 0.15
    # Opaque up to its anchors, nowhere beyond the mesh between them.
    solid = template.rgba[..., 3] > 127
    outline = [anchor.xy for anchor in template.top] + [anchor.xy for anchor in reversed(template.bottom)]
    mesh = np.zeros(solid.shape, np.uint8)
    cv2.fillPoly(mesh, [np.round(outline).astype(np.int32)], 1)
    grown = cv2.dilate(mesh, np.ones((33, 33), np.uint8)) > 0
    assert (solid & ~grown).sum() < 0.005 * solid.sum()
    if template.kind not in {"respirator", "window"}:
        assert solid[cv2.erode(mesh, np.ones((33, 33), np.uint8)) > 0].mean() > 0.98


def test_tintable_masks_are_nearly_white() -> None:
    for name, template in load_wardrobe().items():
        assert template.regions is not None
        tinted = (template.regions[..., 0] > 0.9) & (template.rgba[..., 3] > 250)
        if tinted.any():
            assert np.median(template.rgba[tinted][:, :3]) > 215, name


def test_the_wardrobe_opens_quickly_and_only_once() -> None:
    reader._cached.cache_clear()
    start = time.process_time()
    first = load_wardrobe()
    assert time.process_time() - start < 3  # 0.3 s on an idle machine
    assert load_wardrobe()["surgical"] is first["surgical"]
    assert max(template.size_wh[0] for template in first.values()) <= WORKING_WIDTH


# Reading


def test_what_is_written_is_read(folder: Path) -> None:
    template = load_template(folder)
    assert (template.name, template.title, template.kind) == ("little", "Test", "cloth")
    assert template.size_wh == (200, 150)
    assert template.height is not None
    assert template.height[0, 100] == pytest.approx(100 / 255)
    assert template.regions is not None
    assert template.regions.shape == (150, 200, 3)
    assert template.regions[70, 70] == pytest.approx([1, 0.2, 0])
    assert template.straps[0].rgb == (255, 128, 0)
    assert template.colours == (("white", 2.0), ("black", 1.0))
    assert not template.rgba.flags.writeable


def test_extras_are_optional_and_straps_may_take_the_tint(folder: Path) -> None:
    (folder / "height.png").unlink()
    (folder / "regions.png").unlink()
    words = {key: value for key, value in WORDS.items() if key in {"title", "kind", "anchors"}}
    (folder / "mask.json").write_text(json.dumps(words))
    template = load_template(folder)
    assert template.height is None
    assert template.regions is None
    rewrite(folder, straps=[{"from": [12, 30], "to": "nape"}])
    strap = load_template(folder).straps[0]
    assert (strap.rgb, strap.own) == (None, False)
    rewrite(folder, straps=[{"from": [12, 30], "to": "nape", "colour": "tint"}])
    strap = load_template(folder).straps[0]
    assert (strap.rgb, strap.own) == (None, True)


def test_reduced_keeps_shape_and_does_not_bleed(folder: Path) -> None:
    rgba = np.array(Image.open(folder / "mask.png"))
    rgba[rgba[..., 3] == 0] = (255, 0, 0, 0)  # red where transparent: must not show
    Image.fromarray(rgba, "RGBA").save(folder / "mask.png")
    whole = load_template(folder)
    small = whole.reduced(90)
    assert small.size_wh == (90, 68)
    assert small.top[0].xy == pytest.approx((4.5, 20 * 68 / 150))
    assert small.straps[0].xy == pytest.approx((5.4, 30 * 68 / 150))
    seen = small.rgba[small.rgba[..., 3] > 20][:, :3].astype(int)
    assert np.abs(seen - 240).max() <= 6
    assert whole.reduced(200) is whole
    assert small.height is not None
    assert small.height.shape == (68, 90)


def test_a_large_picture_is_reduced_where_a_width_is_asked_for(folder: Path) -> None:
    assert load_template(folder, 100).rgba.shape == (75, 100, 4)
    assert load_template(folder, None).rgba.shape == (150, 200, 4)


def test_an_edited_template_is_read_again(folder: Path) -> None:
    import os

    assert load_wardrobe(folder.parent)["little"].title == "Test"
    rewrite(folder, title="Changed")
    later = time.time_ns() + 10**9
    os.utime(folder / "mask.json", ns=(later, later))
    assert load_wardrobe(folder.parent)["little"].title == "Changed"


def test_unknown_names_and_empty_folders(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match='no mask is called "big"; choose from little'):
        load_wardrobe(folder.parent, ["big"])
    with pytest.raises(TemplateError, match="no masks in"):
        load_wardrobe(folder)
    with pytest.raises(TemplateError, match="no folder of masks"):
        load_wardrobe(tmp_path / "nothing")
    with pytest.raises(TemplateError, match="no masks were chosen"):
        load_wardrobe(folder.parent, [])


# Faults in pictures


def png(folder: Path, name: str, picture: np.ndarray[Any, Any], mode: str | None = None) -> None:
    image = Image.fromarray(picture)
    (image if mode is None else image.convert(mode)).save(folder / name)


def problem(folder: Path) -> str:
    problems = check_template(folder)
    assert len(problems) == 1, problems
    with pytest.raises(TemplateError) as caught:
        load_template(folder)
    assert str(caught.value) == f'mask "{folder.name}": {problems[0]}'
    return problems[0]


def test_no_alpha(folder: Path) -> None:
    png(folder, "mask.png", np.full((150, 200, 3), 200, np.uint8))
    assert "mask.png has no alpha channel" in problem(folder)


def test_opaque_everywhere(folder: Path) -> None:
    png(folder, "mask.png", np.full((150, 200, 4), 255, np.uint8))
    assert "opaque everywhere" in problem(folder)


def test_almost_transparent(folder: Path) -> None:
    png(folder, "mask.png", np.zeros((150, 200, 4), np.uint8))
    assert "almost wholly transparent: 0.0%" in problem(folder)


def test_palette(folder: Path) -> None:
    png(folder, "mask.png", np.full((150, 200, 3), 200, np.uint8), "P")
    assert "mask.png is a palette picture" in problem(folder)


@pytest.mark.parametrize("size", [(1, 1), (8000, 8000), (200, 9000)])
def test_sizes_that_cannot_be(folder: Path, size: tuple[int, int]) -> None:
    import struct

    # Only the header is real: it must be refused before anything is decoded.
    header = struct.pack(">IIBBBBB", *size, 8, 6, 0, 0, 0)
    (folder / "mask.png").write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header + b"rest")
    assert f"mask.png is {size[0]} x {size[1]} pixels; each side must have 64 to 4096" in problem(folder)


@pytest.mark.parametrize(
    ("data", "complaint"), [(b"", "is empty"), (b"GIF89a" * 9, "is not a PNG file"), (None, "is missing")]
)
def test_not_a_png(folder: Path, data: bytes | None, complaint: str) -> None:
    (folder / "mask.png").unlink()
    if data is not None:
        (folder / "mask.png").write_bytes(data)
    assert problem(folder) == f"mask.png {complaint}"


def test_cut_off(folder: Path) -> None:
    whole = (folder / "mask.png").read_bytes()
    (folder / "mask.png").write_bytes(whole[:40])
    assert "mask.png is damaged" in problem(folder)


def test_grey_with_alpha_and_16_bits_are_understood(folder: Path) -> None:
    rgba = np.array(Image.open(folder / "mask.png"))
    png(folder, "mask.png", rgba, "LA")
    assert load_template(folder).rgba[70, 70].tolist() == [240, 240, 240, 255]
    cv2.imwrite(str(folder / "mask.png"), rgba.astype(np.uint16) * 257)
    assert load_template(folder).rgba[70, 70].tolist() == [240, 240, 240, 255]
    cv2.imwrite(str(folder / "height.png"), np.full((75, 100), 32768, np.uint16))
    height = load_template(folder).height
    assert height is not None
    assert height[3, 3] == pytest.approx(0.5, abs=1e-4)


def test_extras_of_another_size_or_kind(folder: Path) -> None:
    png(folder, "height.png", np.zeros((149, 200), np.uint8))
    assert "height.png is 200 x 149 pixels and mask.png 200 x 150" in problem(folder)
    png(folder, "height.png", np.zeros((150, 200, 3), np.uint8))
    assert "height.png is in colour" in problem(folder)
    (folder / "height.png").unlink()
    png(folder, "regions.png", np.zeros((150, 200), np.uint8))
    assert "regions.png must be RGB" in problem(folder)


# Faults in words


def anchors(edge: str, index: int, **changes: Any) -> dict[str, Any]:
    new: dict[str, Any] = json.loads(json.dumps(WORDS["anchors"]))
    new[edge][index].update(changes)
    return {"anchors": new}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"anchors": None}, "anchors: missing"),
        ({"anchors": {"top": []}}, "anchors.top: at least 3 anchors from left to right are needed, got 0"),
        (anchors("top", 1, xy=[100, 151]), r"anchors.top[1].xy: [100, 151] lies outside the picture of 200 x 150"),
        (anchors("top", 1, xy=[-1, 5]), "anchors.top[1].xy: [-1, 5] lies outside"),
        (anchors("top", 1, xy="left"), "anchors.top[1].xy: two numbers"),
        (anchors("top", 1, at={"nose": 3}), "anchors.top[1].at: a spot has exactly one of"),
        (anchors("bottom", 0, at={"landmarks": {"99": 1}}), 'anchors.bottom[0].at: unknown landmark "99"'),
        (anchors("top", 1, xy=[5, 10]), "anchors.top[1]: anchors go from left to right, but x 5 follows x 10"),
        (anchors("top", 1, xy=[100, 149]), "in the picture the line top[0] to top[1] crosses"),
        (anchors("bottom", 1, at={"bridge": 27}), "on a typical face the line"),
        ({"colours": {"ultraviolet": 1}}, "colours.ultraviolet: unknown colour; the palette has white"),
        ({"colours": {"white": -1}}, "colours.white: a weight of 0 or more"),
        ({"colours": {"white": 0}}, "colours: all weights are 0"),
        ({"colours": []}, "colours: names with weights"),
        ({"wears": ["upside_down", "correct"]}, "wears: unknown wear 'upside_down'"),
        ({"wears": ["chin"]}, 'wears: "correct" must be among them'),
        ({"straps": [{"from": [1, 1], "to": "moon"}]}, "straps[0].to: unknown end 'moon'"),
        ({"straps": [{"from": [1, 999], "to": "ear"}]}, "straps[0].from: [1, 999] lies outside"),
        ({"straps": [{"from": [1, 9], "to": "ear", "width": 5}]}, "straps[0].width: face widths"),
        (
            {"straps": [{"from": [1, 9], "to": "ear", "colour": "blue"}]},
            'straps[0].colour: "tint", "elastic" or "#rrggbb"',
        ),
        ({"straps": 3}, "straps: a list is expected"),
        ({"material": {"gloss": 2}}, "material.gloss: a number from 0 to 1, got 2"),
        ({"material": {"shine": 1}}, "material.shine: unknown field"),
        ({"material": {"rigid": 1}}, "material.rigid: true or false, got 1"),
        ({"material": 4}, "material: an object is expected"),
        ({"pattern_chance": "often"}, "pattern_chance: a number from 0 to 1, got 'often'"),
        ({"weight": True}, "weight: a number"),
        ({"title": ""}, "title: a text is expected"),
        ({"color": "red"}, "color: unknown field"),
    ],
)
def test_faults_are_named_with_their_place(folder: Path, changes: dict[str, Any], complaint: str) -> None:
    rewrite(folder, **changes)
    assert any(complaint in found for found in check_template(folder)), check_template(folder)
    with pytest.raises(TemplateError):
        load_template(folder)


def test_top_and_bottom_changed_round(folder: Path) -> None:
    edges = WORDS["anchors"]
    rewrite(folder, anchors={"top": edges["bottom"], "bottom": edges["top"]})
    problems = check_template(folder)
    assert "mask.json: anchors: in the picture the top edge lies below the bottom edge" in problems
    assert "mask.json: anchors: on a typical face the top edge lies below the bottom edge" in problems


def test_left_and_right_changed_round_on_the_face(folder: Path) -> None:
    edges = json.loads(json.dumps(WORDS["anchors"]))
    for edge in edges.values():
        edge[0]["at"], edge[2]["at"] = edge[2]["at"], edge[0]["at"]
    rewrite(folder, anchors=edges)
    assert "mask.json: anchors.top: on a typical face the first anchor lies right of the last" in check_template(folder)


def test_all_faults_are_found_at_once(folder: Path) -> None:
    (folder / "height.png").write_bytes(b"")
    rewrite(folder, weight=-1, colours={"pinkish": 1})
    problems = check_template(folder)
    assert len(problems) == 3
    with pytest.raises(TemplateError, match=r"height.png is empty \(and 2 more"):
        load_template(folder)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"title": "x",\n "kind": }', "mask.json, line 2, column 10: Expecting value"),
        ("[1]", "mask.json holds list, not an object"),
        ("", "mask.json, line 1, column 1: Expecting value"),
    ],
)
def test_broken_json_says_where(folder: Path, text: str, complaint: str) -> None:
    (folder / "mask.json").write_text(text)
    assert problem(folder) == complaint


def test_missing_json_and_missing_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "mask.json").write_bytes(b'{"title": "\xff"}')
    assert problem(folder) == "mask.json is not UTF-8 text"
    (folder / "mask.json").unlink()
    assert problem(folder) == "mask.json is missing"
    assert check_template(tmp_path / "nowhere") == [f"no folder at {tmp_path / 'nowhere'}"]


def test_a_picture_stored_turned_is_refused(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(folder / "mask.png") as picture:
        picture.load()
    picture.save(folder / "mask.png", exif=exif)
    assert any("stored turned" in problem for problem in check_template(folder))
    exif[0x0112] = 1
    picture.save(folder / "mask.png", exif=exif)
    assert check_template(folder) == []


# ------------------------------------------------------------ any bytes

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.sampled_from(
        [10**400, -(10**400), 1e308, -0.0, 68, 67.5, "jaw", "bridge", "chin", "\u0663", "", "\ud800", "a" * 300]
    )
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value, the whole first."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in inner for place in places(part, (*path, key)))]


FULL: dict[str, Any] = WORDS | {"pattern_chance": 0.1, "wears": ["correct", "chin"], "weight": 1.0}


def check(folder: Path) -> list[str]:
    """The problems; none of them may be without words, and reading says the same."""
    problems = check_template(folder)
    assert all(problem.strip() for problem in problems)
    if problems:
        with pytest.raises(TemplateError):
            load_template(folder)
    else:
        load_template(folder)
    reader.wears_of(folder)
    return problems


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(places(FULL)), value=VALUES)
def test_any_value_in_any_place_of_the_json_is_read_or_named(folder: Path, place: tuple[Any, ...], value: Any) -> None:
    words = json.loads(json.dumps({"": FULL}))
    at: Any = words
    for key in ("", *place)[:-1]:
        at = at[key]
    at[("", *place)[-1]] = value
    (folder / "mask.json").write_text(json.dumps(words[""]))
    check(folder)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=60))
def test_any_bytes_as_json(folder: Path, data: bytes) -> None:
    (folder / "mask.json").write_bytes(data)
    assert check(folder)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "1" * 5000, '{"a":' * 3000, "NaN", "\ufeff{}"], ids=lambda text: text[:5]
)
def test_json_that_strains_the_reader(folder: Path, text: str) -> None:
    (folder / "mask.json").write_text(text, encoding="utf-8")
    assert check(folder)


@pytest.mark.parametrize("value", [10**400, -(10**400), 1e400, float("nan"), True])
@pytest.mark.parametrize(
    "place",
    [
        ("weight",),
        ("pattern_chance",),
        ("colours", "white"),
        ("material", "gloss"),
        ("anchors", "top", 0, "xy", 0),
        ("anchors", "top", 0, "at", "jaw"),
        ("straps", 0, "width"),
        ("straps", 0, "from", 1),
    ],
    ids=str,
)
def test_numbers_that_are_none_are_named(folder: Path, place: tuple[Any, ...], value: Any) -> None:
    words = json.loads(json.dumps(FULL))
    at: Any = words
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    (folder / "mask.json").write_text(json.dumps(words))
    assert check(folder)


@pytest.mark.parametrize("weights", [{"1": 10**400}, {"1": 1e400}, {"9" * 5000: 1}, {"1": float("nan")}, {"1": True}])
def test_weights_of_landmarks_that_are_none_are_named(folder: Path, weights: dict[str, Any]) -> None:
    words = json.loads(json.dumps(WORDS))
    words["anchors"]["top"][0]["at"] = {"landmarks": weights}
    (folder / "mask.json").write_text(json.dumps(words))
    assert check(folder)


def test_a_byte_order_mark_does_no_harm(folder: Path) -> None:
    (folder / "mask.json").write_text(json.dumps(WORDS), encoding="utf-8-sig")
    assert check(folder) == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["mask.png", "height.png", "regions.png"]),
    place=st.integers(0, 10_000),
    noise=st.binary(min_size=1, max_size=12),
    cut=st.booleans(),
)
def test_any_bytes_in_the_pictures(folder: Path, name: str, place: int, noise: bytes, cut: bool) -> None:
    sound = (folder / name).read_bytes()
    data = bytearray(sound)
    at = place % len(data)
    data[at : at + len(noise)] = noise
    if cut:
        del data[at + len(noise) :]
    (folder / name).write_bytes(bytes(data))
    check(folder)
    (folder / name).write_bytes(sound)
