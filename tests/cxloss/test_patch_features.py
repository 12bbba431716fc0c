import numpy as np
import pytest

import cxloss
from tests.cxloss import oracle


@pytest.mark.parametrize(
  ("shape", "size", "stride"),
  [
    ((2, 11, 14, 3), 5, 2),
    ((1, 5, 5, 1), 5, 2),
    ((1, 9, 6, 2), 3, 4),
    ((1, 3, 4, 2), 1, 1),
  ],
)
def test_patches_are_those_of_a_loop(shape, size, stride):
  images = oracle.features(1, *shape)
  [(weight, patches)] = cxloss.PatchFeatures(size, stride)(images)
  n, h, w, _ = shape
  expected = [
    [
      [
        images[i, y : y + size, x : x + size].ravel()
        for x in range(0, w - size + 1, stride)
      ]
      for y in range(0, h - size + 1, stride)
    ]
    for i in range(n)
  ]
  assert weight == 1.0
  np.testing.assert_array_equal(patches, expected)


@pytest.mark.parametrize(
  ("options", "shape", "message"),
  [
    ({"size": 0}, (1, 9, 9, 3), "`size`.*positive integer.*0"),
    ({"size": True}, (1, 9, 9, 3), "`size`.*positive integer.*True"),
    ({"size": "5"}, (1, 9, 9, 3), "`size`.*positive integer.*'5'"),
    ({"stride": np.nan}, (1, 9, 9, 3), "`stride`.*positive integer.*nan"),
    ({"stride": 1.5}, (1, 9, 9, 3), r"`stride`.*positive integer.*1\.5"),
    ({}, (1, 4, 9, 3), r"`images`.*at least 5.*\(1, 4, 9, 3\)"),
    ({}, (1, 9, 4, 3), r"`images`.*at least 5.*\(1, 9, 4, 3\)"),
    ({}, (9, 9, 3), r"`images`.*\(N, H, W, C\).*\(9, 9, 3\)"),
  ],
)
def test_patch_error_names_the_argument(options, shape, message):
  with pytest.raises(ValueError, match=f"(?s){message}"):
    cxloss.PatchFeatures(**options)(np.zeros(shape, "float32"))
