"""Spots lie where their words say, and turn with the face."""

from __future__ import annotations

import numpy as np
import pytest

from maskgen.errors import TemplateError
from maskgen.templates.anchors import Spot, parse_spot, typical_landmarks

FACE = typical_landmarks(200, (300, 250))


def test_the_typical_face_is_symmetrical_and_complete() -> None:
    assert FACE.shape == (68, 2)
    assert np.ptp(FACE[[0, 16], 0]) == 200
    assert FACE[:17, 0] == pytest.approx(600 - FACE[16::-1, 0])
    assert FACE[36:42].mean(axis=0)[0] == pytest.approx(600 - FACE[42:48].mean(axis=0)[0])
    assert len(np.unique(FACE.round(3), axis=0)) == 68


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ({"jaw": 2}, FACE[2]),
        ({"jaw": 2.25}, 0.75 * FACE[2] + 0.25 * FACE[3]),
        ({"jaw": 16}, FACE[16]),
        ({"bridge": 27}, FACE[27]),
        ({"bridge": 28.5}, (FACE[28] + FACE[29]) / 2),
        ({"chin": 0.1}, FACE[8] + [0, 0.1 * 0.979 * 200]),
        ({"landmarks": {"1": 3, "31": 1}}, 0.75 * FACE[1] + 0.25 * FACE[31]),
        ({"jaw": 0, "offset": [0.5, 0]}, FACE[0] + [100, 0]),
        ({"chin": 0.1, "offset": [0, -0.1]}, FACE[8]),
    ],
)
def test_words_and_places(words: dict[str, object], where: np.ndarray) -> None:
    assert parse_spot(words).resolve(FACE) == pytest.approx(where)


def test_an_offset_turns_with_the_face() -> None:
    angle = np.deg2rad(30)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    spot = parse_spot({"jaw": 3.3, "offset": [0.1, -0.2]})
    assert spot.resolve(FACE @ turn) == pytest.approx(spot.resolve(FACE) @ turn)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (None, "a spot is an object"),
        ({}, "exactly one of jaw, bridge, chin, landmarks, got none"),
        ({"jaw": 1, "chin": 0}, "exactly one"),
        ({"ear": 1}, "got 'ear'"),
        ({"jaw": 16.5}, '"jaw" runs from 0 to 16, got 16.5'),
        ({"bridge": 31}, '"bridge" runs from 27 to 30'),
        ({"chin": "low"}, '"chin" is a number'),
        ({"chin": True}, '"chin" is a number'),
        ({"jaw": float("nan")}, '"jaw" is a number'),
        ({"landmarks": {"68": 1}}, 'unknown landmark "68"'),
        ({"landmarks": {"-1": 1}}, 'unknown landmark "-1"'),
        ({"landmarks": {}}, '"landmarks" is an object'),
        ({"landmarks": {"1": "x"}}, "weight of landmark 1"),
        ({"landmarks": {"1": 1, "2": -1}}, "add up to more than 0"),
        ({"jaw": 1, "offset": [1]}, '"offset" is two numbers'),
    ],
)
def test_what_is_no_spot_is_explained(words: object, complaint: str) -> None:
    with pytest.raises(TemplateError, match=complaint):
        parse_spot(words)


def test_a_spot_checks_itself() -> None:
    with pytest.raises(TemplateError, match="unknown landmark 70"):
        Spot(((70, 1.0),))
    with pytest.raises(TemplateError, match=r"add up to 1, they add up to 0\.5"):
        Spot(((3, 0.5),))
