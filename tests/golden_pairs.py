"""Pairs of pictures with the scores that other implementations give them.

The pictures are cut from scikit-image's astronaut (NASA, public domain). LPIPS and its
unweighted baseline are from richzhang/PerceptualSimilarity, version 0.1; SSIM and FSIM
are from photosynthesis-team/piq, in [0, 1].
"""

import numpy as np
import skimage.data

SCORES = {
  "block_means": {
    "alex_lpips": 0.38211024,
    "alex_baseline": 3.48082113,
    "vgg_baseline": 5.86933422,
    "ssim_rgb": 0.68618792,
  },
  "rolled": {
    "alex_lpips": 0.06002417,
    "alex_baseline": 1.30136667,
    "vgg_baseline": 2.49965858,
    "ssim_rgb": 0.51337743,
  },
  "half_contrast": {
    "alex_lpips": 0.08824661,
    "alex_baseline": 0.81735796,
    "vgg_baseline": 0.46245107,
    "ssim_rgb": 0.84384227,
  },
  "large_block_means": {"fsim": 0.77646971, "fsimc": 0.77599752},
}


def pair(name):
  """Returns an original and its distorted version, uint8 `(H, W, 3)` each."""
  image = skimage.data.astronaut()
  reference = image[96:160, 176:240]
  if name == "large_block_means":
    reference = image[0:256, 128:384]
  if name in ("block_means", "large_block_means"):
    return reference, _block_means(reference)
  if name == "rolled":
    return reference, np.roll(reference, 3, axis=1)
  return reference, reference // 2 + 64


def _block_means(image):
  height, width, _ = image.shape
  blocks = image.reshape(height // 4, 4, width // 4, 4, 3)
  means = np.uint8(np.round(blocks.mean(axis=(1, 3))))
  return means.repeat(4, axis=0).repeat(4, axis=1)
