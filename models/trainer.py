"""What models with a training step of their own have in common."""

import keras
import tensorflow as tf


class Trainer(keras.Model):
  """Base class: the means that `fit` reports, and the random state of losses.

  Keras saves no `SeedGenerator` of a loss, so that a resumed training would repeat
  its draws: `random_losses`, a list of losses with an attribute `seed_generator`
  that may be `None`, are saved with the weights.
  """

  random_losses = ()

  def track(self, names):
    """Creates the means that `fit` reports; call it once, in `__init__`."""
    self.trackers = {name: keras.metrics.Mean(name) for name in names}
    # Networks are functional, hence built; callbacks that restore ask.
    self.built = True

  @property
  def metrics(self):
    return list(self.trackers.values())

  def report(self, values, batch):
    """Adds a batch's values to the means, weighted by its size; returns the means."""
    for name, value in values.items():
      self.trackers[name].update_state(value, sample_weight=tf.shape(batch)[0])
    return {name: tracker.result() for name, tracker in self.trackers.items()}

  def save_own_variables(self, store):
    for i, seed in enumerate(self._seeds()):
      store[f"loss_seed_{i}"] = seed.state.numpy()

  def load_own_variables(self, store):
    for i, seed in enumerate(self._seeds()):
      seed.state.assign(store[f"loss_seed_{i}"])

  def _seeds(self):
    seeds = [getattr(loss, "seed_generator", None) for loss in self.random_losses]
    return [seed for seed in seeds if seed is not None]
