"""Agreement of a distance with human judgements: two-alternative forced choice.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual
Metric", CVPR 2018, section 2.2.
"""

import numpy as np

from experiments.common.run.errors import UserError


def score(judges, d0, d1):
  """Returns the share of people who agree with a distance's choice, in [0, 1].

  Args:
    judges: `(n,)`, share of people who found `p1` closer.
    d0: `(n,)`, distance of `p0` from the reference.
    d1: `(n,)`, distance of `p1`. A tie counts one half.

  Raises:
    UserError: if a distance is not a number.
  """
  judges, d0, d1 = (np.asarray(v, np.float64) for v in (judges, d0, d1))
  broken = np.count_nonzero(np.isnan(d0) | np.isnan(d1))
  if broken:
    raise UserError(f"Distances must be numbers. Received: {broken} that are not")
  tie = d0 == d1
  return float(np.mean(judges * (d1 < d0) + (1 - judges) * (d0 < d1) + 0.5 * tie))


def human(judges):
  """Returns how many people agree with a random other, `mean p^2 + (1 - p)^2`."""
  judges = np.asarray(judges, np.float64)
  return float(np.mean(judges**2 + (1 - judges) ** 2))
