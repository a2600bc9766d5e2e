from __future__ import annotations

import numpy as np
import pytest
from drawn_face import photo, turned_landmarks

from maskgen.transform import MaskTransform

torch = pytest.importorskip("torch", reason="needs torch and torchvision")
v2 = pytest.importorskip("torchvision.transforms.v2", reason="needs torchvision")


def test_an_image_and_its_target() -> None:
    from torchvision import tv_tensors

    from maskgen.adapters.torchvision import MaskPeople

    masking = MaskPeople(MaskTransform(masks=["surgical"]))
    picture, landmarks = photo(), turned_landmarks(0)
    image = tv_tensors.Image(torch.from_numpy(picture).permute(2, 0, 1))
    torch.manual_seed(0)
    drawn, target = masking(image, {"face": landmarks, "labels": 1})
    assert isinstance(drawn, tv_tensors.Image)
    assert drawn.shape == image.shape
    assert target["labels"] == 1
    x, y = landmarks[62].astype(int)
    assert (drawn[:, y, x].numpy() != picture[y, x]).any()
    torch.manual_seed(0)
    assert torch.equal(v2.Compose([masking])(image, {"face": landmarks})[0], drawn)
    assert np.array_equal(image.permute(1, 2, 0).numpy(), picture)
