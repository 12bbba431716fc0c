"""Surfaces whose normals are known in closed form."""

import numpy as np


def bumps(height, width):
  """Normals of z = 3 sin(0.3 x + 0.1) cos(0.2 y), y up; float32 `(H, W, 3)`."""
  y, x = np.mgrid[:height, :width].astype(np.float64)
  y = -y
  p = 3 * 0.3 * np.cos(0.3 * x + 0.1) * np.cos(0.2 * y)
  q = -3 * 0.2 * np.sin(0.3 * x + 0.1) * np.sin(0.2 * y)
  normals = np.stack([-p, -q, np.ones_like(p)], axis=-1)
  return (normals / np.linalg.norm(normals, axis=-1, keepdims=True)).astype(np.float32)
