"""Times training steps of super-resolution, under two losses and two precisions."""

import time

import keras
import numpy as np
import tensorflow as tf

import cxloss
from experiments.tools import passes
from models import srgan

LOSSES = ("vgg", "contextual")
PRECISIONS = ("float32", "mixed_bfloat16")
_LAYER = "block3_conv4"
# A process goes on for this many seconds, and for at least this many steps.
_SECONDS = 10.0
_LEAST = 3
_SCALE = 4


def measure(loss, precision, batch, side, blocks=16, width=64):
  """Returns the best seconds of a step, and GB of the process.

  Args:
    loss: one of `LOSSES`.
    precision: Keras dtype policy of networks and backbone.
    batch: number of images.
    side: side of the high-resolution images in pixels.
    blocks: of the generator. Defaults to 16.
    width: channels of the generator, and of the discriminator's first layer. Defaults
      to 64.

  Returns:
    `{"seconds": float, "memory": GB}`.
  """
  keras.config.set_dtype_policy(precision)
  trainer = build(loss, precision, side, blocks=blocks, width=width)
  trainer.make_train_function()
  step = trainer.train_function
  batches = iter(tf.data.Dataset.from_tensors(images(batch, side)).repeat())
  step(batches)
  times = []
  start = time.perf_counter()
  while len(times) < _LEAST or time.perf_counter() - start < _SECONDS:
    before = time.perf_counter()
    step(batches)
    times.append(time.perf_counter() - before)
  return {"seconds": min(times), "memory": passes.memory()}


def build(
  loss, precision, side, architecture="vgg19", weights=None, blocks=16, width=64
):
  """Returns a compiled trainer of the paper's objective, or with its L_CX replaced.

  Weights of the backbone make no difference to the time: by default they are random,
  so that nothing is downloaded.
  """
  layer = _LAYER if architecture == "vgg19" else "block3_conv3"
  features = cxloss.VGGFeatures(layer, architecture, weights, dtype=precision)
  image_loss = {
    "contextual": cxloss.ContextualLoss,
    "vgg": cxloss.PerceptualLoss,
  }[loss](features)
  terms = {
    loss: (0.1, image_loss),
    "low_frequency": (0.1, cxloss.LowFrequencyLoss()),
  }
  trainer = srgan.SuperResolutionTrainer(
    srgan.generator(blocks, width), terms, srgan.discriminator(side, width), 1e-3
  )
  trainer.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4))
  return trainer


def images(batch, side):
  """Returns a batch `(lr, hr)` of noise in [-1, 1]."""
  rng = np.random.default_rng(0)
  hr = rng.uniform(-1, 1, (batch, side, side, 3)).astype(np.float32)
  return hr[:, ::_SCALE, ::_SCALE], hr
