"""COCO annotations of scenes: categories, images, boxes with five points."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from maskgen.images import write_bytes
from maskgen.scenes.compose import Scene
from maskgen.types import LABELS

POINT_NAMES: Final = ("right_eye", "left_eye", "nose_tip", "right_mouth_corner", "left_mouth_corner")
"""Of the person's own sides, as COCO and YuNet name them: a person's right eye is the image's left one."""


def describe(name: str, scene: Scene) -> dict[str, Any]:
    """A scene's entry among the images, with its faces as annotations without numbers."""
    height, width = scene.image.shape[:2]
    faces = []
    for face in scene.faces:
        box = face.box.clipped(width, height)
        if box.area <= 0:
            continue
        points: list[float] = []
        for x, y in face.points:
            inside = 0 <= x < width and 0 <= y < height
            points += [round(float(x), 2), round(float(y), 2), 2] if inside else [0, 0, 0]
        faces.append(
            {
                "category_id": LABELS.index(face.label),
                "bbox": [round(v, 2) for v in (box.left, box.top, box.width, box.height)],
                "area": round(box.area, 2),
                "iscrowd": 0,
                "keypoints": points,
                "num_keypoints": sum(1 for v in points[2::3] if v),
                "visible": round(face.visible, 3),
                **({"ignore": 1} if face.ignored else {}),
            }
        )
    return {"file_name": name, "width": width, "height": height, "kind": scene.kind, "faces": faces}


def categories() -> list[dict[str, Any]]:
    """COCO's, one a label."""
    return [
        {"id": i, "name": name, "supercategory": "face", "keypoints": list(POINT_NAMES), "skeleton": []}
        for i, name in enumerate(LABELS)
    ]


def save_coco(
    path: Path, info: dict[str, Any], images: Sequence[dict[str, Any]], annotations: Sequence[dict[str, Any]]
) -> None:
    """Write a COCO file, a line an entry."""

    def rows(values: Sequence[dict[str, Any]]) -> str:
        return ",\n".join(json.dumps(value) for value in values)

    text = (
        f'{{"info": {json.dumps(info)}, "licenses": [], "categories": {json.dumps(categories())},\n'
        f'"images": [\n{rows(images)}],\n"annotations": [\n{rows(annotations)}]}}\n'
    )
    write_bytes(path, text.encode("ascii"))
