from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_face import SIDE, face, template, turned_landmarks

from maskgen.render.params import MaskParams
from maskgen.render.sampling import SamplingSettings, draw_mask
from maskgen.render.wear.edges import face_axes, jaw_point, knots, nearest_jaw
from maskgen.render.wear.fit import targets
from maskgen.render.wear.mesh import ThinPlate, build_mesh, spline
from maskgen.render.wear.straps import strap_end
from maskgen.render.wear.warp import mask_layer
from maskgen.templates.reader import load_wardrobe
from maskgen.templates.template import MaskTemplate
from maskgen.types import WEARS, LandmarkedFace, Wear

NEUTRAL = MaskParams(template="plain", straps=False)
WH = (SIDE, SIDE)


def _centroid(alpha: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[0 : alpha.shape[0], 0 : alpha.shape[1]] + 0.5
    return np.array([(x * alpha).sum(), (y * alpha).sum()]) / alpha.sum()


def test_spline_goes_through_its_points_and_straight_on_beyond() -> None:
    at = np.array([0.0, 0.3, 0.7, 1.0])
    points = np.array([[0, 0], [3, 2], [7, 1], [10, 4]], float)
    assert np.allclose(spline(at, points, at), points)
    beyond = spline(at, points, np.array([1.0, 1.1, 1.2]))
    assert np.allclose(np.diff(beyond, axis=0)[0], np.diff(beyond, axis=0)[1])
    line = spline(np.array([0.0, 1.0]), points[:2], np.array([0.5]))
    assert np.allclose(line, [[1.5, 1.0]])


def test_thin_plate_is_exact_at_its_points_and_keeps_affine_maps() -> None:
    rng = np.random.default_rng(0)
    source = rng.uniform(0, 200, (20, 2))
    plate = ThinPlate(source, target := rng.uniform(0, 100, (20, 2)))
    assert np.allclose(plate(source), target, atol=1e-6)
    turn = np.array([[0.5, 0.2], [-0.1, 0.8]])
    plate = ThinPlate(source, source @ turn + (3, 4))
    elsewhere = rng.uniform(0, 200, (5, 2))
    assert np.allclose(plate(elsewhere), elsewhere @ turn + (3, 4), atol=1e-6)


def test_knots_run_from_0_to_1() -> None:
    assert np.allclose(knots(np.array([[0, 0], [3, 4], [3, 9]], float)), [0, 0.5, 1])


def test_jaw_point_and_its_inverse() -> None:
    marks = turned_landmarks(0)
    assert np.allclose(jaw_point(marks, 2.5), (marks[2] + marks[3]) / 2)
    index, distance = nearest_jaw(marks, jaw_point(marks, 13.25), 1)
    assert index == pytest.approx(13.25, abs=0.05)
    assert distance < 0.5
    assert np.allclose(jaw_point(marks, 99), marks[16])


@pytest.mark.parametrize("yaw_deg", [0, 12, -25])
def test_anchors_are_exact(yaw_deg: float) -> None:
    subject, mask = face(yaw_deg), template()
    axes = face_axes(subject)
    mesh = build_mesh(targets(mask, subject, NEUTRAL, axes), axes)
    carry = ThinPlate(mesh.source, mesh.target)
    for anchor in (*mask.top, *mask.bottom):
        goal = anchor.spot.resolve(subject.landmarks)
        assert np.allclose(carry(np.array([anchor.xy], float))[0], goal, atol=0.1)


@pytest.mark.parametrize("yaw_deg", [0, 12, -15])
def test_anchors_are_drawn_on_their_landmarks(yaw_deg: float) -> None:
    subject, mask = face(yaw_deg), template()
    # One dot of ink at each anchor, drawn alone, must come to lie on the landmark.
    for anchor in (*mask.top, *mask.bottom):
        rgba = np.zeros((140, 200, 4), np.uint8)
        x, y = (int(part) for part in anchor.xy)
        rgba[y - 2 : y + 2, x - 2 : x + 2] = 255
        layer = mask_layer(replace(mask, rgba=rgba, height=None), subject, NEUTRAL, WH)
        assert not layer.empty
        found = _centroid(layer.rgba[..., 3]) + layer.origin_xy
        goal = anchor.spot.resolve(subject.landmarks)
        assert np.hypot(*(found - goal)) < 1, anchor


def test_premultiplied_and_in_range() -> None:
    params = replace(NEUTRAL, tint=(0.4, 0.9, 0.2), straps=True, texture=0.05, grime=0.1, wrinkle=0.4)
    layer = mask_layer(template(160), face(), params, WH)
    rgba = layer.rgba
    assert rgba.dtype == np.float32
    assert rgba.min() >= 0
    assert rgba[..., 3].max() <= 1
    assert (rgba[..., :3] <= rgba[..., 3:] + 1e-4).all()
    assert not rgba[..., :3][rgba[..., 3] == 0].any()
    assert layer.body is not None
    assert (rgba[..., 3] >= layer.body - 1e-6).all()
    assert rgba[..., 3].sum() > layer.body.sum()


@pytest.mark.parametrize("tint", [(0.3, 0.6, 0.9), (0.95, 0.94, 0.93), (0.05, 0.05, 0.06), (0.8, 0.1, 0.2)])
@pytest.mark.parametrize("yaw_deg", [0.0, 35.0])
def test_white_cloth_takes_the_tint_and_nothing_else(tint: tuple[float, float, float], yaw_deg: float) -> None:
    """To its edge: half covered pixels have the cloth's colour too, straps theirs."""
    straps = (0.9, 0.1, 0.5)
    layer = mask_layer(template(), face(yaw_deg), replace(NEUTRAL, tint=tint, straps=True, strap_rgb=straps), WH)
    alpha = layer.rgba[..., 3]
    assert layer.body is not None
    cloth = (alpha > 0.1) & (layer.body > alpha - 1e-4)
    assert (alpha[cloth] < 0.9).sum() > 20
    assert np.allclose(layer.rgba[cloth][:, :3] / alpha[cloth][:, None], tint, atol=0.01)
    strap = (alpha > 0.3) & (layer.body == 0)
    assert strap.sum() > 20
    assert np.allclose(layer.rgba[strap][:, :3] / alpha[strap][:, None], straps, atol=0.01)


@pytest.mark.parametrize("yaw_deg", [-50, -35, 35, 50])
@pytest.mark.parametrize("wear", ["correct", "nose_out", "chin"])
def test_the_far_side_does_not_fold(yaw_deg: float, wear: Wear) -> None:
    subject = face(yaw_deg)
    axes = face_axes(subject)
    mask = template()
    goal = targets(mask, subject, replace(NEUTRAL, wear=wear), axes)
    mesh = build_mesh(goal, axes)
    inverse = ThinPlate(mesh.target, mesh.source)
    low, high = mesh.target.min(axis=0), mesh.target.max(axis=0)
    y, x = np.meshgrid(np.linspace(low[1], high[1], 30), np.linspace(low[0], high[0], 40), indexing="ij")
    at = inverse(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(30, 40, 2)
    seen = (at[..., 0] > 8) & (at[..., 0] < 192) & (at[..., 1] > 8) & (at[..., 1] < 132)
    # To the right in the picture is to the right on the mask, wherever the mask is.
    forward = np.diff(at[..., 0], axis=1)[seen[:, 1:] & seen[:, :-1]]
    assert (forward > 0).mean() > 0.99


def _reach(mask: MaskTemplate, subject: LandmarkedFace, params: MaskParams) -> float:
    """How far cloth lies from the mesh that it hangs on, in face widths."""
    layer = mask_layer(mask, subject, params, WH)
    assert layer.body is not None
    axes = face_axes(subject)
    mesh = build_mesh(targets(mask, subject, params, axes), axes)
    rows, columns = np.nonzero(layer.body > 0.5)
    at = np.stack([columns, rows], 1) + layer.origin_xy
    return float(np.hypot(*np.moveaxis(at[:, None] - mesh.target, -1, 0)).min(axis=1).max() / axes.width)


@pytest.mark.parametrize("wear", ["correct", "nose_out", "mouth_out", "chin", "chin_out"])
def test_no_cloth_lies_apart_from_the_mask(wear: Wear) -> None:
    """Loops and second copies, which a spline throws where the mesh is squeezed or turns back on itself."""
    apart = {}
    for name, mask in load_wardrobe().items():
        meant = _reach(mask, face(), NEUTRAL)
        for seed in range(6, 12) if wear in mask.wears else ():
            rng = np.random.default_rng(seed)
            yaw_deg = float(rng.uniform(-35, 35))
            marks = turned_landmarks(yaw_deg) + rng.normal(0, 0.008 * SIDE, (68, 2))
            settings = SamplingSettings(templates=((name, 1.0),))
            params = replace(draw_mask(rng, {name: mask}, settings, ((wear, 1.0),)), straps=False)
            reach = _reach(mask, face(yaw_deg, marks), params)
            if reach > meant + 0.07:
                apart[name, seed] = round(yaw_deg), round(reach, 2), round(meant, 2)
    assert not apart


@pytest.mark.parametrize("yaw_deg", [0, 20])
def test_a_bare_chin_stays_bare_however_the_mask_fits(yaw_deg: float) -> None:
    subject = face(yaw_deg)
    marks, axes = subject.landmarks, face_axes(subject)
    lip, chin = marks[57] @ axes.y, marks[8] @ axes.y
    for name, mask in load_wardrobe().items():
        for seed in range(8) if "chin_out" in mask.wears else ():
            rng = np.random.default_rng(seed)
            settings = SamplingSettings(templates=((name, 1.0),))
            drawn = draw_mask(rng, {name: mask}, settings, (("chin_out", 1.0),))
            params = replace(drawn, wear_amount=seed / 7, raise_bottom=(-0.07, 0.14)[seed % 2])
            goal = targets(mask, subject, params, axes)
            level = np.interp(0.5, goal.bottom_knots, goal.bottom @ axes.y)
            assert lip < level < lip + 0.8 * (chin - lip), (name, seed)
            for end in (0, -1):
                assert (goal.bottom[end] - goal.top[end]) @ axes.y > 0, (name, seed)


def test_a_rigid_mask_keeps_its_form_when_it_is_pulled_down() -> None:
    subject, soft = face(), template()
    rigid = replace(soft, material=replace(soft.material, rigid=True))
    axes = face_axes(subject)
    worn = targets(rigid, subject, NEUTRAL, axes)
    for wear in ("mouth_out", "chin"):
        params = replace(NEUTRAL, wear=wear)
        goal = targets(rigid, subject, params, axes)
        shift = goal.top[0] - worn.top[0]
        assert shift @ axes.y > 0.2 * axes.height
        assert np.allclose(goal.top - worn.top, shift)
        assert np.allclose(goal.bottom - worn.bottom, shift)
        assert np.ptp(targets(soft, subject, params, axes).bottom - worn.bottom, axis=0).max() > 0.1 * axes.height


@pytest.mark.parametrize("yaw_deg", [-55, -45, 45, 55])
def test_nothing_is_drawn_behind_the_silhouette(yaw_deg: float) -> None:
    subject = face(yaw_deg)
    axes, mask = face_axes(subject), template()
    mesh = build_mesh(targets(mask, subject, NEUTRAL, axes), axes)
    assert mesh.contour is not None
    layer = mask_layer(mask, subject, NEUTRAL, WH)
    rows, columns = np.nonzero(layer.rgba[..., 3] > 0.1)
    outermost = mesh.far * (np.stack([columns, rows], 1) + 0.5 + layer.origin_xy) @ axes.x
    limit = (mesh.far * mesh.contour @ axes.x).max()
    assert outermost.max() == pytest.approx(limit, abs=2)


def test_the_nose_stays_covered_when_the_head_is_turned() -> None:
    for yaw_deg in (30, 50, 65):
        subject = face(yaw_deg)
        layer = mask_layer(template(), subject, NEUTRAL, WH)
        x, y = (subject.landmarks[30] - layer.origin_xy).astype(int)
        assert layer.rgba[y, x - 1, 3] > 0.9, yaw_deg


def test_mirrored_face_gives_the_mirrored_mask() -> None:
    def drawn(subject: LandmarkedFace) -> np.ndarray:
        layer = mask_layer(template(), subject, replace(NEUTRAL, straps=True), WH)
        board = np.zeros((SIDE + 40, SIDE + 40), np.float32)
        left, top = layer.origin_xy
        h, w = layer.rgba.shape[:2]
        board[top + 20 : top + 20 + h, left + 20 : left + 20 + w] = layer.rgba[..., 3]
        return board[20:-20, 20:-20]

    for yaw_deg in (0, 20, 38, 50):
        one, other = drawn(face(yaw_deg)), drawn(face(-yaw_deg))
        assert np.abs(one - other[:, ::-1]).mean() < 0.004


def test_straps_end_beyond_the_jaw_and_the_far_ones_vanish() -> None:
    frontal = face(0)
    axes = face_axes(frontal)
    for side, index in ((-1, 0), (1, 16)):
        end = strap_end("ear_top", side, frontal, axes)
        assert side * (end[0] - frontal.landmarks[index][0]) > 0
    turned = face(50)
    with_straps = mask_layer(template(), turned, replace(NEUTRAL, straps=True), WH)
    assert with_straps.body is not None
    loops = with_straps.rgba[..., 3] - with_straps.body
    columns = np.flatnonzero(loops.max(axis=0) > 0.3) + with_straps.origin_xy[0]
    assert len(columns)
    assert columns.max() < turned.landmarks[30][0]


@pytest.mark.parametrize("wear", WEARS)
@pytest.mark.parametrize("amount", [0.0, 0.5, 1.0])
def test_where_each_wear_lies(wear: Wear, amount: float) -> None:
    subject = face()
    marks = subject.landmarks
    layer = mask_layer(template(), subject, replace(NEUTRAL, wear=wear, wear_amount=amount), WH)
    left, top = layer.origin_xy

    def covers(point: np.ndarray) -> bool:
        x, y = (point - (left, top)).astype(int)
        inside = 0 <= y < layer.rgba.shape[0] and 0 <= x < layer.rgba.shape[1]
        return bool(inside and layer.rgba[y, x, 3] > 0.5)

    nose, mouth = covers(marks[30]), covers(marks[62])
    assert nose == (wear in ("correct", "chin_out", "nose_only"))
    assert mouth == (wear in ("correct", "nose_out", "chin_out"))
    if wear != "chin":
        chin = covers(marks[57] + 0.7 * (marks[8] - marks[57]))
        assert chin == (wear in ("correct", "nose_out", "mouth_out"))
    assert (layer.rgba[..., 3] > 0.5).sum() > 300


def test_what_the_map_shows_twice_is_drawn_once() -> None:
    """A mask on the chin of a head turned far: beyond the fold the spline shows the cloth again, from behind."""
    import cv2

    params = replace(NEUTRAL, template="ffp2", wear="chin", widen=-0.013, wear_amount=0.891)
    layer = mask_layer(load_wardrobe(names=["ffp2"])["ffp2"], face(50), params, WH)
    pieces, *_ = cv2.connectedComponents((layer.rgba[..., 3] > 0.3).astype(np.uint8))
    assert pieces == 2  # the ground and one piece of cloth


@pytest.mark.parametrize("yaw_deg", [-35.0, 35.0])
def test_a_hanging_mask_hangs_from_the_ear_that_is_seen(yaw_deg: float) -> None:
    subject = face(yaw_deg)
    for side in (-1, 1):
        layer = mask_layer(template(), subject, replace(NEUTRAL, wear="one_ear", side=side), WH)
        x = _centroid(layer.rgba[..., 3])[0] + layer.origin_xy[0]
        # The head looks to one side: the ear of the other is seen.
        assert (x - subject.landmarks[27, 0]) * yaw_deg < 0


def test_fit_moves_edges_the_way_it_says() -> None:
    subject = face()
    axes = face_axes(subject)
    plain = targets(template(), subject, NEUTRAL, axes)
    assert (targets(template(), subject, replace(NEUTRAL, raise_top=0.05), axes).top[:, 1] < plain.top[:, 1]).all()
    lower = targets(template(), subject, replace(NEUTRAL, raise_bottom=0.05), axes)
    assert (lower.bottom[:, 1] > plain.bottom[:, 1]).all()
    narrow = targets(template(), subject, replace(NEUTRAL, widen=-0.1), axes)
    assert narrow.top[0, 0] > plain.top[0, 0]
    # A mask cannot float beyond the cheek, however wide.
    wide = targets(template(), subject, replace(NEUTRAL, widen=0.5), axes)
    assert wide.top[0, 0] > subject.landmarks[2, 0] - 0.05 * axes.width


def test_a_face_outside_the_picture_gives_an_empty_layer() -> None:
    away = face(landmarks=turned_landmarks(0) + np.array([3000, 0]))
    assert mask_layer(template(), away, NEUTRAL, WH).empty


def test_a_tiny_face_does_not_fail() -> None:
    layer = mask_layer(template(), face(landmarks=turned_landmarks(10, 6.0)), replace(NEUTRAL, straps=True), WH)
    assert layer.rgba.shape[0] < 30
