"""The base class of models with a training step of their own.

Under a `tf.distribute` strategy, each replica takes its share of a global batch, and
all take the step of a single device that sees the whole of it: gradients are those of
the mean over the global batch, and batch normalisation and the contextual loss use
its statistics. Build networks and the model within the strategy's scope.
"""

import keras
import tensorflow as tf


class Trainer(keras.Model):
  """Keeps means, seeds and synchronisation for a training step.

  Keras saves no `SeedGenerator` of a loss, so that a resumed training would repeat its
  draws: `random_losses`, a list of losses with an attribute `seed_generator` that may
  be `None`, are saved with the weights.
  """

  random_losses = ()
  # An `averaging.WeightAverage` where a running average of weights is kept.
  average = None

  def track(self, names):
    """Creates the means that `fit` reports; call it once, in `__init__`."""
    self._means = _Unsaved({name: keras.metrics.Mean(name) for name in names})
    # Functional networks are built already; callbacks that restore a model ask.
    self.built = True

  def synchronize(self, *networks):
    """Lets batch normalisation see all replicas; call it once, in `__init__`."""
    for network in networks:
      for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
          layer.synchronized = self.distribute_strategy.num_replicas_in_sync > 1

  def wrapped(self, optimizer):
    """Returns a second optimizer, with loss scaling if the first has it."""
    optimizer = keras.optimizers.get(optimizer)
    if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
      return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer

  def scaled(self, loss, optimizer):
    """Returns the value whose gradient `optimizer.apply` expects.

    Args:
      loss: scalar, this replica's mean over its examples.
      optimizer: Keras optimizer; it adds up what replicas bring, and may scale losses.
    """
    return optimizer.scale_loss(loss / self.distribute_strategy.num_replicas_in_sync)

  @property
  def metrics(self):
    return list(self._means.values.values())

  def report(self, values, batch):
    """Adds a batch's values to the means, weighted by its size; returns the means."""
    for name, value in values.items():
      self.mean(name).update_state(value, sample_weight=tf.shape(batch)[0])
    return {name: mean.result() for name, mean in self._means.values.items()}

  def mean(self, name):
    """The `keras.metrics.Mean` of a name given to `track`."""
    return self._means.values[name]

  def save_own_variables(self, store):
    for i, seed in enumerate(self._seeds()):
      store[f"loss_seed_{i}"] = seed.state.numpy()

  def load_own_variables(self, store):
    for i, seed in enumerate(self._seeds()):
      seed.state.assign(store[f"loss_seed_{i}"])

  def make_train_function(self, force=False):
    # Keras 3.15 averages the scalars that replicas return over their axis 0, which
    # fails on several hosts.
    if not self._on_several_hosts():
      super().make_train_function(force)
    elif force or self.train_function is None:
      strategy = self.distribute_strategy

      @tf.function
      def train(iterator):
        values = strategy.run(self.train_step, args=(next(iterator),))
        return {
          name: strategy.reduce("MEAN", value, axis=None)
          for name, value in values.items()
        }

      self.train_function = train

  def _maybe_symbolic_build(self, *args, **kwargs):
    # Everything is built by now. Keras 3.15 averages a batch over replicas here, which
    # fails on masks, and on the batches of several hosts.
    del args, kwargs

  def _on_several_hosts(self):
    strategy = self.distribute_strategy
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)

  def _seeds(self):
    seeds = [getattr(loss, "seed_generator", None) for loss in self.random_losses]
    return [seed for seed in seeds if seed is not None]


def value_of(loss, y_true, y_pred):
  """Mean of a Keras loss over this replica's examples.

  Keras divides losses by the number of replicas; here, `Trainer.scaled` does.
  """
  replicas = tf.distribute.get_strategy().num_replicas_in_sync
  return loss(y_true, y_pred) * float(replicas)


class _Unsaved:
  """Hides metrics from checkpoints.

  They start anew with every epoch, and reading those of several replicas is a
  collective operation, in which the one process that saves would wait for the others.
  """

  def __init__(self, values):
    self.values = values
