"""Bytes to pixels: every format, every damage."""

import io
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from maskgen import images
from maskgen.errors import ImageError
from maskgen.images import decode_rgb, encode


def gradient(height=60, width=90):
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // (width - 1), y * 255 // (height - 1), np.full_like(x, 40)], axis=2).astype(np.uint8)


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


# ------------------------------------------------------------ formats


@pytest.mark.parametrize("suffix", images.SUFFIXES)
def test_what_is_encoded_is_decoded(suffix):
    picture = gradient()
    back = decode_rgb(encode(picture, suffix, 95))
    assert back.shape == picture.shape
    assert back.dtype == np.uint8
    assert back.flags.c_contiguous
    lossless = suffix in (".png", ".bmp", ".tif", ".tiff")
    assert np.abs(back.astype(int) - picture).max() <= (0 if lossless else 24)


def test_red_stays_red():
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 250
    for suffix in images.SUFFIXES:
        r, g, b = decode_rgb(encode(red, suffix)).reshape(-1, 3).mean(axis=0)
        assert r > 240
        assert max(g, b) < 12


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_the_picture_as_pillow_would(kind, orientation):
    picture = Image.fromarray(gradient(8, 16) if kind != "JPEG" else gradient(64, 128))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(picture, kind, exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    np.testing.assert_array_equal(decode_rgb(data), expected)


def test_an_orientation_that_does_not_exist_is_ignored():
    exif = Image.Exif()
    exif[0x0112] = 77
    assert decode_rgb(saved(Image.fromarray(gradient()), "JPEG", exif=exif)).shape == (60, 90, 3)


def test_transparent_pixels_show_the_background():
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[0, 0] = (200, 100, 50, 255)
    rgba[0, 1] = (228, 28, 128, 128)
    back = decode_rgb(saved(Image.fromarray(rgba), "PNG"))
    assert back[0, 0].tolist() == [200, 100, 50]
    np.testing.assert_allclose(back[0, 1], [178, 78, 128], atol=1)
    assert back[3, 3].tolist() == list(images.BACKGROUND)


def test_palettes_with_and_without_a_transparent_entry():
    palette = Image.fromarray(gradient()).quantize(16)
    assert decode_rgb(saved(palette, "PNG")).shape == (60, 90, 3)
    entry = palette.getpixel((0, 0))
    assert decode_rgb(saved(palette, "PNG", transparency=entry))[0, 0].tolist() == list(images.BACKGROUND)


@pytest.mark.parametrize(("mode", "kind"), [("L", "JPEG"), ("L", "PNG"), ("1", "PNG"), ("LA", "PNG"), ("L", "TIFF")])
def test_grey_becomes_three_equal_channels(mode, kind):
    back = decode_rgb(saved(Image.fromarray(gradient()).convert(mode), kind))
    assert back.shape == (60, 90, 3)
    assert (np.ptp(back, axis=2) == 0).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_keep_their_upper_eight(kind):
    deep = (np.arange(256, dtype=np.uint16).reshape(16, 16) << 8) + 17
    back = decode_rgb(saved(Image.fromarray(deep), kind))
    np.testing.assert_array_equal(back[..., 0], np.arange(256).reshape(16, 16))


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bit_colour(suffix):
    deep = gradient().astype(np.uint16) * 257
    done, data = cv2.imencode(suffix, deep[..., ::-1])
    assert done
    np.testing.assert_array_equal(decode_rgb(data.tobytes()), gradient())


@pytest.mark.parametrize("top", [1.0, 4000.0])
def test_floating_point(top):
    values = np.linspace(0, top, 256, dtype=np.float32).reshape(16, 16)
    values[3, 3] = np.nan
    back = decode_rgb(saved(Image.fromarray(values), "TIFF"))
    assert back[0, 0, 0] == 0
    assert back[-1, -1, 0] == 255
    assert back[3, 3, 0] == 0


def test_cmyk():
    picture = Image.fromarray(gradient()).convert("CMYK")
    for kind in ("JPEG", "TIFF"):
        back = decode_rgb(saved(picture, kind))
        assert np.abs(back.astype(int) - gradient()).mean() < 6


def test_a_colour_profile_does_no_harm():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert decode_rgb(saved(Image.fromarray(gradient()), "JPEG", icc_profile=profile)).shape == (60, 90, 3)


# ------------------------------------------------------------ sizes


def test_max_side_reduces_and_never_enlarges():
    data = encode(gradient(300, 1001))
    assert decode_rgb(data, max_side=250).shape == (75, 250, 3)
    assert decode_rgb(data, max_side=5000).shape == (300, 1001, 3)
    turned = saved(Image.fromarray(gradient(100, 400)), "JPEG", exif=_orientation(6))
    assert decode_rgb(turned, max_side=100).shape == (100, 25, 3)


def test_a_jpeg_above_the_pixel_limit_is_decoded_reduced():
    assert decode_rgb(encode(gradient(400, 1000)), max_pixels=30_000).shape == (100, 250, 3)


def test_twenty_thousand_pixels_wide():
    wide = encode(np.full((500, 20_000, 3), 90, np.uint8))
    assert decode_rgb(wide, max_side=2000).shape == (50, 2000, 3)


def test_a_bomb_is_refused_before_it_is_decoded():
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )
    with pytest.raises(ImageError, match="60000 x 60000") as caught:
        decode_rgb(bomb)
    assert caught.value.reason == "too_large"


# ------------------------------------------------------------ damage


def reason_of(call, *args):
    with pytest.raises(ImageError) as caught:
        call(*args)
    assert "\n" not in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize("suffix", images.SUFFIXES)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_cut_off(suffix, share):
    data = encode(np.random.default_rng(3).integers(0, 255, (40, 40, 3)).astype(np.uint8), suffix)
    part = data[: max(16, int(len(data) * share))]
    assert reason_of(decode_rgb, part) == "truncated"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(images.SUFFIXES), st.integers(0, 10_000), st.binary(min_size=1, max_size=12))
def test_no_byte_makes_anything_but_a_picture_or_an_image_error(suffix, place, noise):
    data = bytearray(encode(gradient(24, 24), suffix))
    place %= len(data)
    data[place : place + len(noise)] = noise
    try:
        picture = decode_rgb(bytes(data), max_pixels=1_000_000)
    except ImageError:
        return
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3


def test_damage_prints_nothing():
    code = """
import sys
from maskgen.errors import ImageError
from maskgen.images import decode_rgb
data = bytes.fromhex(sys.stdin.read())
for part in (data[: len(data) // 2], data[:-2] + b"abcdefg" + data[-2:], data[:300] + b"UUUU" * 9 + data[336:]):
    try:
        decode_rgb(part)
    except ImageError:
        pass
"""
    for suffix in (".jpg", ".png", ".webp", ".bmp"):
        hexed = encode(gradient(), suffix).hex()
        done = subprocess.run([sys.executable, "-c", code], input=hexed, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def _orientation(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif
