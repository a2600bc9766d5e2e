"""Groups and their splits."""

from __future__ import annotations

import pytest

from maskgen.dataset import split
from maskgen.errors import InputError

from .test_lines import ID


def test_the_split_hangs_on_the_group_alone() -> None:
    groups = [f"person {i}" for i in range(3000)]
    fractions = split.parse_fractions("80/10/10")
    before = {group: split.split_of(group, fractions) for group in groups}
    assert before == {group: split.split_of(group, fractions) for group in reversed(groups)}
    share = sum(split == "train" for split in before.values()) / len(groups)
    assert 0.77 < share < 0.83
    assert set(before.values()) == {"train", "val", "test"}


@pytest.mark.parametrize(
    ("text", "shares"), [("80/10/10", (0.8, 0.1, 0.1)), ("3,1", (0.75, 0.25, 0)), ("1", (1, 0, 0))]
)
def test_fractions(text: str, shares: tuple[float, float, float]) -> None:
    assert split.parse_fractions(text) == pytest.approx(shares)


@pytest.mark.parametrize("text", ["", "a/b", "0/0", "-1/2", "1/1/1/1", "nan"])
def test_odd_fractions_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="80/10/10"):
        split.parse_fractions(text)


@pytest.mark.parametrize(
    ("group_by", "group"),
    [
        (None, ID),
        ("folder", "anna"),
        (r"(\w+)_\d+\.jpg", "b"),
        (r"(?P<group>an)", "an"),
        ("zzz", ID),
        ("(z)?anna", ID),
    ],
)
def test_groups(group_by: str | None, group: str) -> None:
    assert split.group_of("faces/anna/b_01.jpg", ID, group_by) == group
