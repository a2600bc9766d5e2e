"""An upright drawing board before a face, and the way from it into the photo.

Confusers and accessories are drawn here, in the face's own frame: origin
between mouth and nose, x along the line of the eyes, y towards the chin, unit
the width of the face (about 14 cm). The board has its own resolution; at the
end one affine warp turns the drawing into a :class:`~maskgen.drawing.layer.Layer`.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maskgen.drawing.layer import Layer
from maskgen.drawing.noise import lumps
from maskgen.drawing.projection import Hanging, project
from maskgen.faces.frame import face_frame
from maskgen.types import LandmarkedFace, Points

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Field: TypeAlias = NDArray[np.float32]
"""(h, w) float32 on a board."""

Params: TypeAlias = dict[str, Any]
"""Plain JSON values: all that chance decided about one thing."""

CM: Final = 1 / 14
"""One centimetre in face widths: ears' fronts are about 14 cm apart."""

_MIN_PX, _MAX_PX = 96, 300


@dataclass(frozen=True, slots=True)
class FaceFrame:
    """Where the board hangs in the photo.

    Attributes:
        origin: (2,) float64, photo pixels, between mouth and nose.
        axes: (2, 2) float64, rows are the unit vectors along x and y.
        unit: photo pixels in one face width.
        turn: about -1 to 1, how far the face looks to the image's left or right.
    """

    origin: NDArray[np.float64]
    axes: NDArray[np.float64]
    unit: float
    turn: float

    @classmethod
    def of(cls, face: LandmarkedFace) -> FaceFrame:
        """The frame of a face (``frame.face_frame``), and how far it looks aside."""
        marks = face.landmarks
        square = face_frame(marks)
        middle = (marks[0] + marks[16]) / 2
        turn = float((marks[30] - middle) @ square.right) / square.width * 3
        axes = np.stack([square.right, square.down])
        return cls(square.centre, axes, max(square.width, 1.0), float(np.clip(turn, -1, 1)))

    def to_face(self, points: ArrayLike) -> Points:
        """Photo pixels to face widths, (N, 2) to (N, 2)."""
        return np.asarray((np.asarray(points, np.float64) - self.origin) @ self.axes.T / self.unit)

    def to_photo(self, points: ArrayLike) -> Points:
        """Face widths to photo pixels, (N, 2) to (N, 2)."""
        return np.asarray(np.asarray(points, np.float64) * self.unit @ self.axes + self.origin)


class Board:
    """A drawing in the face's frame: flat-lit colour, coverage, height.

    What is painted lies over what was there (Porter and Duff's "over"), so an edge has
    the colour of the thing, half covered, and never that of the empty board.

    Attributes:
        px: board pixels in one face width.
        x: (1, w) float32, face widths at the pixels' centres.
        y: (h, 1) float32, the same downwards.
        rgb: (3, h, w) float32 sRGB, premultiplied by alpha; planes, because numpy
            is several times faster on them.
        alpha: (h, w) float32 in [0, 1].
        height: (h, w) float32, face widths towards the viewer, premultiplied by raised.
        raised: (h, w) float32 in [0, 1], coverage of what was laid with a height.
    """

    def __init__(
        self, frame: FaceFrame, bounds: tuple[float, float, float, float], frame_wh: tuple[int, int], detail: float = 1
    ) -> None:
        """Hang a board.

        Args:
            frame: the face.
            bounds: left, top, right, bottom in face widths. Parts outside the
                photo are cut off; what is drawn does not change by that.
            frame_wh: the photo's width and height.
            detail: board pixels a photo pixel, within limits.
        """
        self.frame, self.frame_wh = frame, frame_wh
        self.px = float(np.clip(frame.unit * detail, _MIN_PX, _MAX_PX))
        width, height = frame_wh
        seen = frame.to_face([(0, 0), (width, 0), (0, height), (width, height)])
        pad = 0.06
        left, top = (max(bounds[i], float(seen[:, i].min()) - pad) for i in (0, 1))
        right, bottom = (min(bounds[i + 2], float(seen[:, i].max()) + pad) for i in (0, 1))
        # Pixels sit on one lattice through the origin, whatever is cut off.
        self.left, self.top = int(np.floor(left * self.px)), int(np.floor(top * self.px))
        w = max(int(np.ceil(right * self.px)) - self.left, 1)
        h = max(int(np.ceil(bottom * self.px)) - self.top, 1)
        self.x: Field = ((np.arange(w, dtype=np.float32) + (self.left + 0.5)) / self.px)[None].astype(np.float32)
        self.y: Field = ((np.arange(h, dtype=np.float32) + (self.top + 0.5)) / self.px)[:, None].astype(np.float32)
        self.rgb = np.zeros((3, h, w), np.float32)
        self.alpha: Field = np.zeros((h, w), np.float32)
        self.height: Field = np.zeros((h, w), np.float32)
        self.raised: Field = np.zeros((h, w), np.float32)

    @property
    def shape(self) -> tuple[int, int]:
        return self.alpha.shape[0], self.alpha.shape[1]

    def to_board(self, points: ArrayLike) -> Points:
        """Face widths to board pixels (a pixel's centre at i + 0.5)."""
        return np.asarray(np.asarray(points, np.float64) * self.px - (self.left, self.top))

    def fill(self, *outlines: ArrayLike) -> Field:
        """Coverage of closed outlines in face widths; overlaps of two cancel."""
        import cv2

        sheet = np.zeros(self.shape, np.uint8)
        cv2.fillPoly(sheet, [self._fixed(o) for o in outlines], 255, cv2.LINE_AA, 4)
        return sheet.astype(np.float32) * np.float32(1 / 255)

    def lines(self, paths: Sequence[ArrayLike], width: float, closed: bool = False) -> Field:
        """Coverage of polylines ``width`` face widths thick; at least a faint hair line."""
        import cv2

        sheet = np.zeros(self.shape, np.uint8)
        thick = width * self.px
        level = 255 if thick >= 1 else max(round(255 * thick), 1)
        cv2.polylines(sheet, [self._fixed(p) for p in paths], closed, level, max(round(thick), 1), cv2.LINE_AA, 4)
        return sheet.astype(np.float32) * np.float32(1 / 255)

    def strokes(
        self, inks: Iterable[tuple[Points, ArrayLike]], width_px: int, opacity: float = 1
    ) -> tuple[Field, NDArray[np.float32]]:
        """Hair and other fine strokes, the later over the earlier.

        Args:
            inks: bundles of strokes, (strokes, points, 2) in face widths, each with its sRGB in [0, 1].
            width_px: of a stroke, board pixels.
            opacity: of a stroke's middle, 0 to 1.

        Returns:
            Coverage (h, w), and straight colour (3, h, w) as ``lay`` takes it.
        """
        import cv2

        # From nothing, and with the colour premultiplied: OpenCV blends all four channels alike.
        sheet = np.zeros((*self.shape, 4), np.uint8)
        for paths, rgb in inks:
            ink = np.clip(np.asarray(rgb, np.float64), 0, 1) * 255 * opacity
            fixed = self._fixed(paths.reshape(-1, 2)).reshape(paths.shape)
            level = (*(float(part) for part in ink), 255.0 * opacity)
            cv2.polylines(sheet, list(fixed), False, level, width_px, cv2.LINE_AA, 4)
        *planes, coverage = (plane.astype(np.float32) for plane in cv2.split(sheet))
        colour = np.stack(planes) / np.maximum(coverage, 1)
        return coverage * np.float32(1 / 255), np.minimum(colour, 1)

    def _fixed(self, points: ArrayLike) -> NDArray[np.int32]:
        # Far-away points would overflow OpenCV's fixed-point numbers.
        at = np.clip((self.to_board(points) - 0.5) * 16, -(2**19), 2**19)
        return np.asarray(at.round(), np.int32)

    def window(self, left: float, top: float, right: float, bottom: float) -> Board:
        """The same drawing through a smaller frame, board pixels; None of it is copied.

        What is painted in the window is painted on the board. A window beside
        the board has one pixel that belongs to nobody.
        """
        h, w = self.shape
        x0, y0 = max(int(np.floor(left)), 0), max(int(np.floor(top)), 0)
        x1, y1 = min(int(np.ceil(right)), w), min(int(np.ceil(bottom)), h)
        part = copy.copy(self)
        if x0 >= x1 or y0 >= y1:
            part.rgb = np.zeros((3, 1, 1), np.float32)
            part.alpha, part.height, part.raised = (np.zeros((1, 1), np.float32) for _ in range(3))
            part.x, part.y = self.x[:, :1], self.y[:1]
            return part
        part.left, part.top = self.left + x0, self.top + y0
        part.x, part.y = self.x[:, x0:x1], self.y[y0:y1]
        part.rgb = self.rgb[:, y0:y1, x0:x1]
        part.alpha, part.height, part.raised = (field[y0:y1, x0:x1] for field in (self.alpha, self.height, self.raised))
        return part

    def around(self, *outlines: ArrayLike, pad: float = 0.02) -> Board:
        """The window round some points in face widths and ``pad`` more."""
        points = self.to_board(np.concatenate([np.asarray(o, np.float64) for o in outlines]))
        reach = pad * self.px + 1
        return self.window(*(points.min(0) - reach), *(points.max(0) + reach))

    def cut(self, field: Field, whole: Board) -> Field:
        """The part of a field of the ``whole`` board that lies in this window of it."""
        x0, y0 = self.left - whole.left, self.top - whole.top
        h, w = self.shape
        return field[y0 : y0 + h, x0 : x0 + w]

    def lay(self, coverage: Field, rgb: ArrayLike, height: Field | float | None = None) -> None:
        """Paint over what is there.

        Args:
            coverage: (h, w) in [0, 1].
            rgb: (3,) or (3, h, w) sRGB in [0, 1], straight: the paint's own colour, whatever it covers.
            height: (h, w) or one number, face widths; None keeps the height.

        Source:
            Porter and Duff, "Compositing Digital Images", SIGGRAPH 1984.
        """
        for plane, colour in zip(self.rgb, np.asarray(rgb, np.float32), strict=True):
            plane += (colour - plane) * coverage
        self.alpha += (1 - self.alpha) * coverage
        if height is not None:
            self.height += (height - self.height) * coverage
            self.raised += (1 - self.raised) * coverage

    def tint(self, factor: Field, channels: tuple[float, float, float] = (1, 1, 1)) -> None:
        """Darken or lighten: colour times ``factor``, more or less of it a channel."""
        for plane, power in zip(self.rgb, channels, strict=True):
            plane *= factor if power == 1 else np.maximum(1 + (factor - 1) * np.float32(power), 0)

    def blur(self, field: Field, sigma: float) -> Field:
        """Soften by ``sigma`` face widths; wide blurs run on a smaller copy."""
        import cv2

        spread, step = sigma * self.px, 1
        while spread / step > 4 and min(self.shape) // (step * 2) >= 4:
            step *= 2
        if step == 1:
            return np.asarray(cv2.GaussianBlur(field, (0, 0), max(spread, 0.3), borderType=cv2.BORDER_REPLICATE))
        h, w = self.shape
        small = cv2.resize(field, (max(w // step, 1), max(h // step, 1)), interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), spread / step, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR))

    def noise(self, seed: int, cell: float, stretch: float = 1, angle_deg: float = 0) -> Field:
        """Lumps about ``cell`` face widths across, mean 0, deviation 1, drawn out along an angle."""
        return lumps(self.shape, (self.left, self.top), seed, cell * self.px, stretch, angle_deg)

    def puff(self, coverage: Field, depth: float, rim: float) -> Field:
        """A cushion: height rises from the outline to ``depth`` over ``rim`` face widths."""
        import cv2

        inside = (coverage > 0.5).astype(np.uint8)
        away = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
        t = np.minimum(away * np.float32(1 / max(rim * self.px, 1e-3)), 1)
        return np.asarray(np.sqrt(t * (2 - t)) * np.float32(depth))

    def cast(self, coverage: Field, sigma: float, strength: float, shift: tuple[float, float] = (0, 0.01)) -> None:
        """Darken what is already painted as if ``coverage`` lay above it."""
        import cv2

        shade = self.blur(coverage, sigma)
        dx, dy = shift[0] * self.px, shift[1] * self.px
        h, w = self.shape
        moved = cv2.warpAffine(shade, np.array([[1.0, 0, dx], [0, 1.0, dy]]), (w, h), borderMode=cv2.BORDER_REPLICATE)
        self.tint(np.asarray(1 - moved * np.float32(strength), np.float32))

    def _surface(self) -> Field:
        """The height, gone on beyond the outlines: a thing's edge is no cliff that throws its own shade."""
        near = self.blur(self.height, 0.01) / (self.blur(self.raised, 0.01) + np.float32(0.01))
        own = self.height / np.maximum(self.raised, np.float32(0.1))
        share = np.clip(self.raised * 2, 0, 1)
        return np.asarray(near + (own - near) * share, np.float32)

    def layer(self, **material: Any) -> Layer:
        """The drawing in the photo's frame, cut to the photo (and 2 pixels more)."""
        import cv2

        # A tint may have lightened a plane beyond what its coverage can hold.
        rgba: Any = cv2.merge([*(np.clip(plane, 0, self.alpha) for plane in self.rgb), self.alpha])
        height: Any = self._surface() * np.float32(self.frame.unit)
        start = self.frame.to_photo([(float(self.left) / self.px, float(self.top) / self.px)])[0]
        rgba, height, origin_xy = project(
            rgba, height, Hanging(start, self.frame.axes, self.frame.unit / self.px), self.frame_wh
        )
        return Layer(rgba, origin_xy, height, **material)


def curve(points: ArrayLike, count: int = 32, closed: bool = False) -> Points:
    """A smooth line through points (centripetal enough for small drawings).

    Args:
        points: (N, 2), N >= 2.
        count: how many points come back.
        closed: whether it returns to its start.

    Returns:
        (count, 2) float64, a Catmull-Rom spline with even steps of parameter.
    """
    p = np.asarray(points, np.float64)
    p = np.vstack([p[-1:], p, p[:2]]) if closed else np.vstack([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    spans = len(p) - 3
    t = np.linspace(0, spans, count, endpoint=not closed)
    i = np.minimum(t.astype(int), spans - 1)
    f = (t - i)[:, None]
    a, b, c, d = p[i], p[i + 1], p[i + 2], p[i + 3]
    return np.asarray(0.5 * (2 * b + (c - a) * f + (2 * a - 5 * b + 4 * c - d) * f**2 + (3 * b - a - 3 * c + d) * f**3))


def ellipse(x: float, y: float, a: float, b: float, angle_deg: float = 0, power: float = 2, count: int = 48) -> Points:
    """The outline of an ellipse, or with ``power`` above 2 of a rounded box; (count, 2)."""
    t = np.linspace(0, 2 * np.pi, count, endpoint=False)
    cos, sin = np.cos(t), np.sin(t)
    u = a * np.sign(cos) * np.abs(cos) ** (2 / power)
    v = b * np.sign(sin) * np.abs(sin) ** (2 / power)
    turn = np.radians(angle_deg)
    return np.stack([x + u * np.cos(turn) - v * np.sin(turn), y + u * np.sin(turn) + v * np.cos(turn)], 1)


def along(line: ArrayLike, x: Field) -> Field:
    """The y of a left-to-right line at every x of a board, (1, w); ends go on level."""
    p = np.asarray(line, np.float64)
    return np.asarray(np.interp(x[0], p[:, 0], p[:, 1])[None], np.float32)
