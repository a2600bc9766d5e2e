"""Names of images."""

from __future__ import annotations

from maskgen.dataset.names import drawn_from

from .test_lines import ID, a_record


def test_an_image_is_known_by_its_name() -> None:
    assert drawn_from(a_record().file_name) == ID
    for name in (
        "train/with_mask/mine.jpg",
        f"train/with_mask/a_{ID}.jpg",
        f"a_{ID}_0_0_with.jpg.txt",
        f"a_{ID}_x_0_with.jpg",
    ):
        assert drawn_from(name) is None
