"""The optimizers and rates that experiments share."""

import keras


def adam(rate):
  """Returns Adam with TensorFlow 1's epsilon, 1e-8, instead of Keras' 1e-7."""
  return keras.optimizers.Adam(rate, epsilon=1e-8)


def falling(rate, step):
  """Returns a schedule that falls from `rate` to a tenth of it after a step."""
  return keras.optimizers.schedules.PiecewiseConstantDecay([step], [rate, rate / 10])


class Waiting(keras.optimizers.schedules.LearningRateSchedule):
  """Is 0 for the first steps, and then another rate.

  Args:
    rate: float or schedule, of the step counted from the very first.
    steps: number of steps at rate 0.
  """

  def __init__(self, rate, steps):
    self._rate = rate
    self._steps = steps

  def __call__(self, step):
    rate = self._rate(step) if callable(self._rate) else self._rate
    return keras.ops.where(step < self._steps, 0.0, rate)
