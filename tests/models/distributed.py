"""Trains a small SRGAN on the devices of this process; run by `test_base_trainer.py`.

  python -m tests.models.distributed one|mirrored|workers OUTPUT.npz [BACKUP]

Saves all weights before and after a step with the full objective, and what is reported,
which only the chief sees. With `workers`, `TF_CONFIG` says which.
"""

import sys

import keras
import numpy as np
import tensorflow as tf

import cxloss
from experiments.common.data import crops
from experiments.common.run import devices, resumable_training
from models import srgan, super_resolution

_PHOTOGRAPHS = np.random.default_rng(0).integers(0, 256, (3, 40, 44, 3)).astype("uint8")


def _strategy(kind):
  if kind == "workers":
    return tf.distribute.MultiWorkerMirroredStrategy()
  if kind == "one":
    return tf.distribute.get_strategy()
  cpu = tf.config.list_physical_devices("CPU")[0]
  half = tf.config.LogicalDeviceConfiguration()
  tf.config.set_logical_device_configuration(cpu, [half, half])
  return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def _model():
  keras.utils.set_random_seed(3)
  features = cxloss.VGGFeatures({"block1_conv2": 1.0}, "vgg16", "bundled")
  terms = {
    "contextual": (0.1, cxloss.ContextualLoss(features, max_points=200, seed=1)),
    "low_frequency": (10.0, cxloss.LowFrequencyLoss()),
  }
  generator = srgan.generator(blocks=1, width=4)
  model = super_resolution.SuperResolutionTrainer(
    generator, terms, srgan.discriminator(32, width=2), 0.1, 0.25
  )
  # Of plain gradient descent, weights show the gradient itself. D's rate is small: its
  # own gradients are large, and G's depend on the new D.
  model.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(1e-5))
  return model


def main(kind, output, backup):
  strategy = _strategy(kind)
  with strategy.scope():
    model = _model()
  before = _weights(model, "before")
  logs = {}
  resumable_training.fit(
    model,
    lambda step, context: crops.training_batches(
      _PHOTOGRAPHS, 32, 4, 4, seed=5, start=step, context=context
    ),
    steps_per_epoch=1,
    epochs=1,
    backup=backup,
    every=1,
    callbacks=[
      keras.callbacks.LambdaCallback(on_epoch_end=lambda _, means: logs.update(means))
    ],
    verbose=0,
  )
  np.savez(output, **before, **_weights(model, "after"), **logs)
  devices.wait_for_all(strategy)


def _weights(model, prefix):
  return {
    f"{prefix}/{weight.path}": keras.ops.convert_to_numpy(weight)
    for weight in model.weights
  }


if __name__ == "__main__":
  main(*sys.argv[1:])
