"""Every format that people's pictures come in is told by its bytes and read; what cannot be says what is missing."""

from __future__ import annotations

import io
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from maskgen.errors import ImageError
from maskgen.images import decode_rgb, read_bytes, read_rgb
from maskgen.io import codecs
from maskgen.io.codecs import sniff

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 100


def gradient(height: int = 60, width: int = 90) -> Any:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // (width - 1), y * 255 // (height - 1), np.full_like(x, 40)], axis=2).astype(np.uint8)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


WAYS: list[tuple[str, str, dict[str, Any], float]] = [
    ("GIF", "GIF", {}, 12),
    ("JPEG2000", "JPEG2000", {}, 0),
    ("JPEG2000", "JPEG2000", {"no_jp2": True, "irreversible": True, "quality_layers": [10]}, 12),
    ("AVIF", "AVIF", {"quality": 90, "subsampling": "4:4:4"}, 6),
    *(
        ("TIFF", "TIFF", {"compression": way}, 0)
        for way in ("raw", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "packbits")
    ),
    ("TIFF", "TIFF", {"compression": "jpeg", "quality": 95}, 12),
    ("TIFF", "TIFF", {"big_tiff": True}, 0),
]


@pytest.mark.parametrize(("kind", "writer", "options", "off"), WAYS)
def test_every_format_is_told_and_read(
    tmp_path: Path, kind: str, writer: str, options: dict[str, Any], off: float
) -> None:
    picture = gradient()
    # The name says nothing: telephones and mail programs give wrong ones.
    path = tmp_path / "picture.jpg"
    path.write_bytes(saved(Image.fromarray(picture), writer, **options))
    assert sniff(path.read_bytes()[: codecs.SNIFF_BYTES]) == kind
    back = read_rgb(path)
    assert back.shape == picture.shape
    assert np.abs(back.astype(int) - picture).mean() <= off


def test_the_first_picture_of_an_animation() -> None:
    frames = [Image.fromarray(np.full((20, 30, 3), value, np.uint8)) for value in (200, 90, 10)]
    for kind, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("AVIF", {})):
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert decode_rgb(data).mean() == pytest.approx(200, abs=4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_avif_is_turned_upright(orientation: int) -> None:
    picture = gradient(32, 64)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(Image.fromarray(picture), "AVIF", exif=exif, quality=95, subsampling="4:4:4")
    turned = Image.fromarray(picture)
    method = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}.get(orientation)
    expected = picture if method is None else np.asarray(turned.transpose(Image.Transpose(method)))
    assert np.abs(decode_rgb(data).astype(int) - expected).mean() < 6


def test_grey_and_clear_and_deep_ones() -> None:
    grey = Image.fromarray(gradient()).convert("L")
    for kind in ("GIF", "JPEG2000", "AVIF"):
        assert np.ptp(decode_rgb(saved(grey, kind)).astype(int), axis=2).max() <= 4
    clear = Image.fromarray(np.zeros((16, 16, 4), np.uint8))
    for kind in ("GIF", "JPEG2000", "AVIF"):
        assert np.abs(decode_rgb(saved(clear, kind)).astype(int) - 128).max() <= 3
    deep = (np.arange(256, dtype=np.uint16).reshape(16, 16) << 8) + 17
    assert np.array_equal(decode_rgb(saved(Image.fromarray(deep), "JPEG2000"))[..., 0], np.arange(256).reshape(16, 16))


@pytest.mark.parametrize(
    ("brands", "kind"),
    [
        (b"heic\0\0\0\0mif1heic", "HEIF"),
        (b"heix\0\0\0\0mif1heix", "HEIF"),
        (b"mif1\0\0\0\0mif1heic", "HEIF"),
        (b"mif1\0\0\0\0mif1avif", "AVIF"),
        (b"avif\0\0\0\0mif1miaf", "AVIF"),
        (b"msf1\0\0\0\0", "HEIF"),
        (b"isom\0\0\0\0mp42avif", None),
        (b"qt  \0\0\0\0", None),
        (b"crx \0\0\0\0", None),
    ],
)
def test_families_of_heif_are_told_by_their_brands(brands: bytes, kind: str | None) -> None:
    head = (8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands
    # What follows the box is no brand of it.
    assert sniff(head + b"\0\0\0\x10avif") == kind


def test_a_heic_without_its_package_says_which(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(HEIC)
    with pytest.raises(ImageError, match=r'IMG_0001\.HEIC.*pip install "maskgen\[heif\]"') as told:
        read_rgb(path)
    assert told.value.reason == "no_decoder"


def test_a_pillow_without_avif_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(Image.fromarray(gradient()), "AVIF")
    monkeypatch.setattr("PIL.features.check", lambda name: name != "avif")
    with pytest.raises(ImageError, match=r"pillow>=11\.3") as told:
        decode_rgb(data)
    assert told.value.reason == "no_decoder"
    # Before 11.3 there is no plugin at all.
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "PIL.AvifImagePlugin", None)
    with pytest.raises(ImageError, match=r"pillow>=11\.3"):
        decode_rgb(data)


def test_a_heic_goes_to_pillow_heif(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in that reads what lies behind the box; the real one is tried where it is installed, below."""
    png = saved(Image.fromarray(gradient()), "PNG")
    fake = types.ModuleType("pillow_heif")
    fake.HeifImageFile = lambda file: PngImagePlugin.PngImageFile(io.BytesIO(file.read()[len(HEIC) :]))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pillow_heif", fake)
    assert np.array_equal(decode_rgb(HEIC + png), gradient())


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_real_heic(orientation: int) -> None:
    heif = pytest.importorskip("pillow_heif", reason="the extra maskgen[heif] is not installed")
    picture = gradient(64, 96)
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    heif.from_pillow(Image.fromarray(picture)).save(buffer, quality=95, exif=exif.tobytes(), chroma=444)
    expected = picture if orientation == 1 else np.rot90(picture, -1)
    back = decode_rgb(buffer.getvalue())
    assert back.shape == expected.shape
    assert np.abs(back.astype(int) - expected).mean() < 6


def test_what_is_no_picture_is_told_what_is(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"\0\0\0\x18ftypisom" + b"\0" * 50)
    with pytest.raises(ImageError, match="HEIC") as told:
        read_bytes(path)
    assert told.value.reason == "not_an_image"


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(range(len(WAYS))), st.integers(0, 5_000), st.binary(min_size=1, max_size=12), st.booleans())
def test_no_byte_makes_anything_but_a_picture_or_an_image_error(way: int, place: int, noise: bytes, cut: bool) -> None:
    data = bytearray(_sample(way))
    at = place % len(data)
    data[at : at + len(noise)] = noise
    if cut:
        del data[at + len(noise) :]
    reason, picture = None, None
    try:
        picture = decode_rgb(bytes(data), max_pixels=1_000_000)
    except ImageError as error:
        reason = error.reason
    assert reason in (None, "empty", "not_an_image", "no_decoder", "truncated", "too_large")
    assert picture is None or (picture.dtype == np.uint8 and picture.shape[2:] == (3,))


_SAMPLES: dict[int, bytes] = {}


def _sample(way: int) -> bytes:
    if way not in _SAMPLES:
        _SAMPLES[way] = saved(Image.fromarray(gradient(20, 30)), WAYS[way][1], **WAYS[way][2])
    return _SAMPLES[way]


@given(st.binary(max_size=80))
def test_any_head_is_a_format_or_none(head: bytes) -> None:
    assert sniff(head) in (None, *codecs._PLUGINS)
    assert sniff(b"\0\0\0\x14ftyp" + head) in (None, "AVIF", "HEIF")
