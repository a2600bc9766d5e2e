from __future__ import annotations

import numpy as np
import pytest
from drawn_face import SIDE, photo

from maskgen.render.region import cut


@pytest.mark.parametrize("region", [(-20, -10, 60, 70), (200, 200, 300, 260), (10, 20, 90, 100)])
def test_cut_repeats_the_edge(region: tuple[int, int, int, int]) -> None:
    picture = photo()
    out = cut(picture, region, (region[2] - region[0], region[3] - region[1]))
    rows = np.clip(np.arange(region[1], region[3]), 0, SIDE - 1)
    columns = np.clip(np.arange(region[0], region[2]), 0, SIDE - 1)
    assert np.array_equal(out, picture[rows][:, columns])
    assert cut(picture, region, (32, 24)).shape == (24, 32, 3)
