"""The optimizers and rates that experiments share."""

import keras


def adam(rate):
  """Returns Adam with TensorFlow 1's epsilon, 1e-8, instead of Keras' 1e-7."""
  return keras.optimizers.Adam(rate, epsilon=1e-8)


def falling(rate, step):
  """Returns a schedule that falls from `rate` to a tenth of it after a step."""
  return keras.optimizers.schedules.PiecewiseConstantDecay([step], [rate, rate / 10])
