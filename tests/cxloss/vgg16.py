"""A VGG16 with random weights that every framework can be given, for golden values."""

import numpy as np

_BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


def random_weights(path):
  """Writes an `.npz` file as `cxloss.backbones` reads them; the same at each call."""
  rng, arrays, channels = np.random.default_rng(0), {}, 3
  for block, (depth, width) in enumerate(_BLOCKS, 1):
    for i in range(1, depth + 1):
      deviation = np.sqrt(2 / (9 * channels))
      kernel = rng.normal(0, deviation, (3, 3, channels, width))
      arrays[f"block{block}_conv{i}/kernel"] = kernel.astype(np.float32)
      bias = rng.normal(0, 0.1, width)
      arrays[f"block{block}_conv{i}/bias"] = bias.astype(np.float32)
      channels = width
  np.savez(path, **arrays)
