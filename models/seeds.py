"""The random state of losses, kept in a model's checkpoints."""


class SavesLossSeeds:
  """Mixin for `keras.Model`: saves the seeds of its losses with its weights.

  Keras saves no `SeedGenerator` of a loss, so that a resumed training would repeat
  its draws. Subclasses set `self.random_losses`, a list of losses with an attribute
  `seed_generator`, which may be `None`.
  """

  def save_own_variables(self, store):
    for i, seed in enumerate(self._seeds()):
      store[f"loss_seed_{i}"] = seed.state.numpy()

  def load_own_variables(self, store):
    for i, seed in enumerate(self._seeds()):
      seed.state.assign(store[f"loss_seed_{i}"])

  def _seeds(self):
    seeds = [getattr(loss, "seed_generator", None) for loss in self.random_losses]
    return [seed for seed in seeds if seed is not None]
