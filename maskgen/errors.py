"""What the project raises on purpose.

Every message says what happened, the value received, and what to do.
``maskgen.app`` prints these as one line on stderr and exits with 1; anything
else that escapes is a bug and keeps its traceback.
"""


class MaskgenError(Exception):
    """Base of everything the project raises on purpose."""


class InputError(MaskgenError):
    """A path, folder or setting the user gave cannot be used."""


class ImageError(MaskgenError):
    """A file could not be read as a picture.

    Attributes:
        reason: one word for ``skipped.jsonl``: ``unreadable``, ``empty``,
            ``not_an_image``, ``no_decoder``, ``truncated``, ``too_large`` or ``too_small``.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ShapeError(MaskgenError):
    """Two arrays that must agree in shape do not, or one has the wrong shape."""


class TemplateError(MaskgenError):
    """A mask template is incomplete or contradicts itself."""


class WeightsError(MaskgenError):
    """A model file is missing, damaged or not the one expected."""


class DatasetError(MaskgenError):
    """A dataset folder breaks its contract."""


class BundleError(MaskgenError):
    """A model folder breaks its contract."""


class SourceError(MaskgenError):
    """A camera, stream or video cannot be opened or read."""


class TrainError(MaskgenError):
    """A training run cannot go on."""


class PluginError(MaskgenError):
    """Something that another package registers cannot be used."""
