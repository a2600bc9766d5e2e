"""Pictures of masks made into templates: alpha, guessed anchors, saving."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from typer.testing import CliRunner

from maskgen.authoring.folder import save
from maskgen.authoring.picture import encode_png, read_picture
from maskgen.authoring.words import begin, guess_anchors
from maskgen.cli.masks import app
from maskgen.errors import ImageError, InputError, TemplateError
from maskgen.templates.reader import check_template, find_masks, load_wardrobe


def drawn(size: tuple[int, int] = (400, 320), tip: bool = False) -> Image.Image:
    """A mask with corners, or folded flat to one tip a side."""
    w, h = size
    corners = (
        [(0.02, 0.5), (0.5, 0.02), (0.98, 0.5), (0.5, 0.98)]
        if tip
        else [(0.05, 0.2), (0.5, 0.05), (0.95, 0.2), (0.95, 0.7), (0.5, 0.95), (0.05, 0.7)]
    )
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    ImageDraw.Draw(image).polygon([(x * w, y * h) for x, y in corners], fill=(240, 240, 240, 255))
    return image


@pytest.mark.parametrize("tip", [False, True])
def test_guessed_anchors_make_a_sound_mask(tmp_path: Path, tip: bool) -> None:
    rgba = np.asarray(drawn(tip=tip))
    anchors = guess_anchors(rgba)
    folder, problems = save(tmp_path, "plain", encode_png(rgba), begin(rgba, "plain"))
    assert problems == []
    assert check_template(folder) == []
    corner, nose = anchors["top"][0]["xy"], anchors["top"][2]["xy"]
    if not tip:
        assert np.allclose(corner, (20, 64), atol=2)
    assert np.allclose(nose, (200, 16 if not tip else 6), atol=3)


def test_palette_grey_and_16_bit_pictures_are_taken(tmp_path: Path) -> None:
    import cv2

    whole = drawn()
    whole.convert("LA").save(tmp_path / "grey.png")
    palette = whole.convert("RGB").quantize(8)
    palette.save(tmp_path / "palette.png", transparency=palette.getpixel((0, 0)))
    deep = np.asarray(whole)[..., [2, 1, 0, 3]].astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    for name in ("grey", "palette", "deep"):
        rgba = read_picture(tmp_path / f"{name}.png")
        assert rgba.shape == (320, 400, 4)
        assert rgba[160, 200].tolist() == [240, 240, 240, 255]
        assert rgba[0, 0, 3] == 0


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("kind", ["png", "webp", "tiff"])
def test_a_picture_that_lies_turned_is_read_upright(tmp_path: Path, kind: str, orientation: int) -> None:
    """As a telephone that was held upright writes it: the tag says how to turn."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "webp" else {}
    drawn().save(tmp_path / f"turned.{kind}", exif=exif, **options)
    # Not by exif_transpose: opened from disk, Pillow has turned a TIFF before it is asked.
    methods = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
    expected = np.asarray(drawn().transpose(Image.Transpose(methods[orientation])))
    rgba = read_picture(tmp_path / f"turned.{kind}")
    opaque = expected[..., 3] > 0
    assert np.array_equal(rgba[..., 3], expected[..., 3])
    assert np.array_equal(rgba[opaque], expected[opaque])


def test_large_pictures_are_reduced_and_small_ones_refused(tmp_path: Path) -> None:
    drawn((6000, 3000)).save(tmp_path / "large.png")
    assert read_picture(tmp_path / "large.png").shape == (1024, 2048, 4)
    drawn((30, 20)).save(tmp_path / "small.png")
    with pytest.raises(TemplateError, match="30 x 20 pixels"):
        read_picture(tmp_path / "small.png")
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(ImageError):
        read_picture(tmp_path / "text.png")
    Image.new("RGBA", (200, 200)).save(tmp_path / "clear.png")
    with pytest.raises(TemplateError, match="almost wholly transparent"):
        read_picture(tmp_path / "clear.png")


def test_a_photographed_mask_is_refused_or_cut_out(tmp_path: Path) -> None:
    ground = Image.new("RGBA", (500, 400), (70, 90, 60, 255))
    ground.alpha_composite(drawn(), (50, 40))
    noise = np.random.default_rng(0).normal(0, 4, (400, 500, 3))
    photo = np.clip(np.asarray(ground)[..., :3] + noise, 0, 255).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.jpg")
    with pytest.raises(TemplateError, match="no transparent background"):
        read_picture(tmp_path / "photo.jpg")
    rgba = read_picture(tmp_path / "photo.jpg", cut_out=True)
    solid = rgba[..., 3] > 127
    wanted = (np.asarray(drawn())[..., 3] > 127).sum()
    assert 0.95 < solid.sum() / wanted < 1.03
    assert abs(rgba.shape[1] - 360) < 30
    assert rgba[solid][:, :3].mean() > 225
    Image.new("RGB", (300, 300), (90, 90, 90)).save(tmp_path / "nothing.jpg")
    with pytest.raises(TemplateError, match="cannot be told from its background"):
        read_picture(tmp_path / "nothing.jpg", cut_out=True)


def test_nothing_is_left_where_anything_is_wrong(tmp_path: Path) -> None:
    rgba = np.asarray(drawn())
    words, png = begin(rgba, "plain"), encode_png(rgba)
    _, problems = save(tmp_path / "mine", "plain", png, {**words, "colours": {"puce": 1}})
    assert "puce" in problems[0]
    assert list((tmp_path / "mine").iterdir()) == []
    save(tmp_path / "mine", "plain", png, words)
    with pytest.raises(InputError, match="already"):
        save(tmp_path / "mine", "plain", png, words)
    save(tmp_path / "mine", "plain", png, {**words, "title": "Second"}, overwrite=True)
    assert json.loads((tmp_path / "mine" / "plain" / "mask.json").read_text())["title"] == "Second"
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["plain"]
    for name in ("", "..", "a/b", "-x", "a" * 65):
        with pytest.raises(InputError, match="cannot be a mask's name"):
            save(tmp_path, name, png, words)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        save(tmp_path / "file", "plain", png, words)


def test_add_with_anchors_from_a_file(tmp_path: Path) -> None:
    drawn().save(tmp_path / "p.png")
    words = begin(np.asarray(drawn()), "p")
    file = tmp_path / "anchors.json"

    def add(data: object) -> tuple[int, str]:
        file.write_text(json.dumps(data))
        line = ["add", tmp_path / "p.png", "--to", tmp_path / "mine", "--anchors", file, "--overwrite"]
        result = CliRunner().invoke(app, [str(word) for word in line])
        return result.exit_code, f"{result.stderr}{result.exception}"

    assert add(words["anchors"])[0] == 0
    assert len(json.loads((tmp_path / "mine" / "p" / "mask.json").read_text())["straps"]) == 4
    assert add({"anchors": words["anchors"], "kind": "sport", "straps": []})[0] == 0
    assert json.loads((tmp_path / "mine" / "p" / "mask.json").read_text())["kind"] == "sport"
    for wrong in (3, {}, {"top": [], "bottom": 1}, {"anchors": {"top": "x"}}):
        code, told = add(wrong)
        assert code == 1
        assert "anchors" in told
    file.unlink()
    assert CliRunner().invoke(app, ["add", str(tmp_path / "p.png"), "--anchors", str(file)]).exit_code == 1


def test_masks_are_named_by_name_by_all_and_by_path(tmp_path: Path) -> None:
    rgba = np.asarray(drawn())
    for name in ("one", "two"):
        save(tmp_path, name, encode_png(rgba), begin(rgba, name))
    assert sorted(find_masks(names=["kn95", f"{tmp_path}/one"])) == ["kn95", "one"]
    assert sorted(find_masks(names=["kn95", f"{tmp_path}/"])) == ["kn95", "one", "two"]
    assert len(find_masks(names=["all", f"{tmp_path}/"])) == len(find_masks()) + 2
    assert sorted(load_wardrobe(tmp_path, ["all"])) == ["one", "two"]
    with pytest.raises(TemplateError, match="no folder of masks"):
        find_masks(names=[f"{tmp_path}/three"])
    (tmp_path / "other").mkdir()
    with pytest.raises(TemplateError, match="no masks in"):
        find_masks(names=[f"{tmp_path}/other"])
    save(tmp_path / "other", "one", encode_png(rgba), begin(rgba, "one"))
    with pytest.raises(TemplateError, match='two masks are called "one"'):
        find_masks(names=[f"{tmp_path}/one", f"{tmp_path}/other/"])


def test_an_empty_mask_json_is_told(tmp_path: Path) -> None:
    drawn().save(tmp_path / "mask.png")
    (tmp_path / "mask.json").write_text("{}")
    assert any("anchors" in problem for problem in check_template(tmp_path))
