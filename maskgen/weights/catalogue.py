"""Catalogue of model files: names, sums, addresses, licences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from maskgen.errors import WeightsError


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One model file: an entry of the catalogue.

    Attributes:
        name: what the code calls it.
        purpose: what it does, for people.
        licence: its licence or terms of use, for people.
        file_names: the names it goes by; the first is the one it is saved under.
        digests: ``sha256:hex`` or ``sha1:hex`` of every edition that is known to be good. None given means that no
            sum is published, or that any file of the kind will do.
        size: bytes to be downloaded, for people.
        urls: addresses that serve the first edition, tried in turn.
        package: the installed package that carries it, as imported.
        package_folder: where in that package.
        requirement: what to install for that package.
        own_allowed: a file of this name in ``MASKGEN_WEIGHTS`` is taken whatever its sum: the user's own model.
        ships: it is a model folder of maskgen's own (``assets.packaged_model``).
    """

    name: str
    purpose: str
    licence: str
    file_names: tuple[str, ...]
    digests: tuple[str, ...] = ()
    size: int | None = None
    urls: tuple[str, ...] = ()
    package: str | None = None
    package_folder: str = ""
    requirement: str = ""
    own_allowed: bool = False
    ships: bool = False

    def __post_init__(self) -> None:
        if not self.file_names:
            raise WeightsError(f"{self.name} has no file name")
        for digest in self.digests:
            kind, _, digits = digest.partition(":")
            if len(digits) != {"sha256": 64, "sha1": 40}.get(kind):
                raise WeightsError(f"{self.name} has the sum {digest!r}; sha256:HEX or sha1:HEX expected")


_IBUG = (
    "CC0-1.0 as published, but trained on iBUG 300-W, whose terms exclude commercial use: for commercial work put a "
    "model of your own, under the same name, into the MASKGEN_WEIGHTS folder"
)

FILES: Final[dict[str, ModelFile]] = {
    file.name: file
    for file in (
        ModelFile(
            name="classifier",
            purpose="tells masked from unmasked faces",
            licence="Apache-2.0; trained on pictures for research use, see its model card",
            file_names=("classifier",),
            own_allowed=True,
            ships=True,
        ),
        ModelFile(
            name="classifier3",
            purpose="tells badly masked faces too; what detect uses where no model is named",
            licence="Apache-2.0; trained on pictures for research use, see its model card",
            file_names=("classifier3",),
            own_allowed=True,
            ships=True,
        ),
        ModelFile(
            name="detector",
            purpose="finds faces, masked ones too, and says what they wear",
            licence="Apache-2.0; trained on pictures for research use, see its model card",
            file_names=("detector",),
            own_allowed=True,
            ships=True,
        ),
        ModelFile(
            name="landmarks68",
            purpose="dlib's 68 landmarks, on which masks are laid",
            licence=_IBUG,
            file_names=("shape_predictor_68_face_landmarks.dat",),
            digests=("sha256:fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",),
            size=99_693_937,
            package="face_recognition_models",
            package_folder="models",
            requirement="face_recognition_models",
            own_allowed=True,
        ),
        ModelFile(
            name="landmarks5",
            purpose="dlib's 5 landmarks",
            licence="CC0-1.0",
            file_names=("shape_predictor_5_face_landmarks.dat",),
            size=9_150_489,
            package="face_recognition_models",
            package_folder="models",
            requirement="face_recognition_models",
            own_allowed=True,
        ),
        ModelFile(
            name="dlib_cnn",
            purpose="dlib's CNN face detector",
            licence="CC0-1.0",
            file_names=("mmod_human_face_detector.dat",),
            digests=("sha256:4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6",),
            size=729_940,
            package="face_recognition_models",
            package_folder="models",
            requirement="face_recognition_models",
        ),
        ModelFile(
            name="haar",
            purpose="OpenCV's Haar cascade of frontal faces",
            licence="Intel License Agreement for Open Source Computer Vision (BSD-like)",
            file_names=("haarcascade_frontalface_default.xml",),
            package="cv2",
            package_folder="data",
            requirement="opencv-python<5",
        ),
        ModelFile(
            name="yunet",
            purpose="the YuNet face detector: maskgen generate uses it, maskgen detect beside its own",
            licence="MIT (OpenCV Zoo); BSD-3-Clause (libfacedetection.train)",
            file_names=("face_detection_yunet_2023mar.onnx", "face_detection_yunet_n_320.onnx"),
            # The same network twice: as OpenCV Zoo publishes it, and as its training repository does.
            digests=(
                "sha256:8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
                "sha256:81dbde155e982455488235acb8ec2dec5d647edf7cf7080d33e4abb69b93a0d2",
            ),
            size=232_589,
            # Git LFS: the plain address serves a pointer in some mirrors, so the media address comes first.
            urls=(
                "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/face_detection_yunet/face_detection_yunet_2023mar.onnx",
                "https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/face_detection_yunet_2023mar.onnx",
            ),
        ),
        ModelFile(
            name="ssd_caffemodel",
            purpose="OpenCV's res10 SSD face detector: the weights",
            licence="BSD-3-Clause (OpenCV)",
            file_names=("res10_300x300_ssd_iter_140000.caffemodel",),
            digests=("sha1:15aa726b4d46d9f023526d85537db81cbc8dd566",),
            size=10_666_211,
            urls=(
                "https://raw.githubusercontent.com/opencv/opencv_3rdparty/dnn_samples_face_detector_20170830/res10_300x300_ssd_iter_140000.caffemodel",
            ),
        ),
        ModelFile(
            name="ssd_prototxt",
            purpose="OpenCV's res10 SSD face detector: the network's description",
            licence="BSD-3-Clause (OpenCV)",
            file_names=("deploy.prototxt", "res10_300x300_ssd_deploy.prototxt"),
            urls=("https://raw.githubusercontent.com/opencv/opencv/4.10.0/samples/dnn/face_detector/deploy.prototxt",),
        ),
    )
}
