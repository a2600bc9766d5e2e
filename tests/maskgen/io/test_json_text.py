"""JSON that every reader takes."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from maskgen.io.json_text import json_text

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=())), inner),
    max_leaves=12,
)


def strict(text: str) -> object:
    """Read as a parser of another language would: no NaN."""
    return json.loads(text, parse_constant=lambda word: (_ for _ in ()).throw(ValueError(word)))


@given(anything)
def test_it_is_one_line_of_valid_utf_8_whatever_it_holds(value: object) -> None:
    text = json_text(value)
    assert text.isascii()
    assert "\n" not in text
    # What a reader makes of it can be encoded again: no lone surrogate hides behind an escape.
    json.dumps(strict(text), ensure_ascii=False).encode("utf-8")


def test_what_needs_no_mending_stays() -> None:
    value = {"file": "Grüße 顔 😀.jpg", "box": [1, 2.5, None, True], "none": {}}
    assert strict(json_text(value)) == value


def test_a_names_bytes_and_other_surrogates_become_escapes() -> None:
    assert json.loads(json_text(["a\udcff", "b\ud800", float("inf"), (1,)])) == ["a\\xff", "b\\ud800", None, [1]]
