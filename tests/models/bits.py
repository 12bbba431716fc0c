"""Trains networks whose losses meet at one output; run by `test_base_trainer.py`.

  python -m tests.models.bits

Prints a digest of the weights of each after three steps. Networks are as wide as the
original ones: on narrow ones, additions in another order do not show.
"""

import hashlib

import keras
import numpy as np
import tensorflow as tf

import cxloss
from models import crn, enhancenet, feature_losses, srgan, super_resolution

_SIDE, _WIDTH, _STEPS = 96, 64, 3


def _vgg(layer):
  return cxloss.VGGFeatures(layer, "vgg16", "bundled")


def _ours():
  terms = {
    "contextual": (0.1, cxloss.ContextualLoss(_vgg("block3_conv3"))),
    "low_frequency": (10.0, cxloss.LowFrequencyLoss()),
  }
  discriminator = srgan.discriminator(_SIDE, _WIDTH)
  return super_resolution.SuperResolutionTrainer(
    srgan.generator(2, _WIDTH), terms, discriminator, 1e-3
  )


def _enhancenet():
  terms = {
    "vgg": (1.0, feature_losses.PerceptualLoss(_vgg("block3_conv3"), normalize=True)),
    "texture": (
      3e-7,
      feature_losses.TextureLoss(_vgg(["block1_conv1", "block2_conv1"])),
    ),
  }
  discriminator = enhancenet.discriminator(_SIDE)
  return super_resolution.SuperResolutionTrainer(
    enhancenet.generator(2, _WIDTH), terms, discriminator, 2.0
  )


def _normals():
  return crn.NormalEstimator(
    crn.crn(_SIDE, _SIDE, 16), cxloss.ContextualLoss(_vgg("block3_conv3"))
  )


def main():
  tf.config.experimental.enable_op_determinism()
  images = np.random.default_rng(0).uniform(-1, 1, (2, _SIDE, _SIDE, 3))
  images = images.astype(np.float32)
  normals = images / np.linalg.norm(images, axis=-1, keepdims=True)
  pairs = images[:, ::4, ::4], images
  for make, batch in (
    (_ours, pairs),
    (_enhancenet, pairs),
    (_normals, (images, normals, np.ones(images.shape[:3], bool))),
  ):
    keras.utils.set_random_seed(0)
    model = make()
    model.compile(keras.optimizers.Adam(1e-4))
    data = tf.data.Dataset.from_tensors(batch).repeat()
    means = model.fit(data, steps_per_epoch=_STEPS, verbose=0).history
    digest = hashlib.sha256(repr(sorted(means.items())).encode())
    for weight in model.weights:
      digest.update(np.asarray(weight).tobytes())
    print(make.__name__, digest.hexdigest(), flush=True)


if __name__ == "__main__":
  main()
