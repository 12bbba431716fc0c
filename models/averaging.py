"""The running average of a network's weights.

A generator that is trained against a discriminator circles around what it converges to.
The average over its last steps is often the better one: Yazıcı et al., "The Unusual
Effectiveness of Averaging in GAN Training", ICLR 2019, https://arxiv.org/abs/1806.04498.
"""

import contextlib

import keras


class WeightAverage(keras.layers.Layer):
  """Exponential running average of all weights, those of batch normalisation included.

  `average = momentum * average + (1 - momentum) * weight` after every step, beginning
  with the weights after the first. A layer only so that checkpoints hold it.

  Keras' optimizers also average, but leave batch normalisation's statistics out, and
  put the average into the network at the end of every `fit`, which is then not the
  state from which a training goes on.

  Args:
    network: `keras.Model`, built.
    momentum: float in (0, 1); 0.998 averages over some 1 / (1 - momentum) = 500 steps.
      In a training of few more, the weights after the first step still count.

  Raises:
    ValueError: for a momentum outside (0, 1).
  """

  def __init__(self, network, momentum):
    super().__init__(trainable=False)
    if not 0 < momentum < 1:
      raise ValueError(f"`momentum` must be in (0, 1). Received: {momentum}")
    self._momentum = momentum
    # 0 until the first update, then 1.
    self._begun = self.add_weight(
      name="begun",
      initializer="zeros",
      trainable=False,
      aggregation="only_first_replica",
    )
    # All replicas hold the same weights.
    self._averages = [
      self.add_weight(
        name=f"average_{i}",
        shape=weight.shape,
        dtype=weight.dtype,
        initializer=keras.initializers.Constant(keras.ops.convert_to_numpy(weight)),
        trainable=False,
        aggregation="only_first_replica",
      )
      for i, weight in enumerate(network.weights)
    ]
    self.built = True

  def update(self, network):
    """Takes the network's weights in, once a step."""
    momentum = self._momentum * self._begun
    for average, weight in zip(self._averages, network.weights, strict=True):
      average.assign(average + (1 - momentum) * (weight - average))
    self._begun.assign(1.0)

  def copy_to(self, network):
    """Puts the average in the place of the network's weights."""
    for average, weight in zip(self._averages, network.weights, strict=True):
      weight.assign(average)

  @contextlib.contextmanager
  def inside(self, network):
    """Within it, the network has the average for weights."""
    before = network.get_weights()
    self.copy_to(network)
    try:
      yield
    finally:
      network.set_weights(before)
