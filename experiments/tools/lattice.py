"""Takes out the grid that a generator leaves, one pixel of the small image wide.

A generator that enlarges by 4 makes the 16 pixels of each square by 16 sets of filters
of its own. Where these differ, flat areas show a pattern of period 4. Texture has no
such period: over many squares, it has the same mean at all their 16 places.
"""

import numpy as np
from scipy import ndimage

# Pixels of the blur that tells detail from colour, and squares over which a pattern
# counts as one.
_DETAIL = 4.0
_EXTENT = 4.0


def without_pattern(image, period, detail=_DETAIL, extent=_EXTENT):
  """Takes the pattern of a period out of an image, where neighbours share it.

  The means of all squares of `period x period` pixels stay as they are, up to the
  rounding of sums.

  Args:
    image: float `(H, W, C)`, sides multiples of `period`, of any unit.
    period: integer, the factor by which the image was enlarged.
    detail: standard deviation in pixels of the Gaussian whose result is no detail.
      Defaults to 4.
    extent: standard deviation in squares of the Gaussian that averages a pattern over
      its neighbours. Defaults to 4: shorter takes more of the texture along.

  Returns:
    Float64 of the same shape.
  """
  image = np.asarray(image, np.float64)
  places = [np.s_[i::period, j::period] for i in range(period) for j in range(period)]
  fine = image - ndimage.gaussian_filter(image, (detail, detail, 0))
  patterns = [
    ndimage.gaussian_filter(fine[place], (extent, extent, 0)) for place in places
  ]
  mean = sum(patterns) / len(patterns)
  result = image.copy()
  for place, pattern in zip(places, patterns, strict=True):
    result[place] -= pattern - mean
  return result
