"""The base class of models with a training step of their own.

Under a `tf.distribute` strategy, each replica takes its share of a global batch, and
all take the step of a single device that sees the whole of it: gradients are those of
the mean over the global batch, and batch normalisation and the contextual loss use
its statistics. Build networks and the model within the strategy's scope.
"""

import keras
import tensorflow as tf

# What the trainers' own steps take the place of.
_REFUSED = ("loss", "loss_weights", "metrics", "weighted_metrics")


class Trainer(keras.Model):
  """Keeps means, seeds and synchronisation for a training step.

  Losses and metrics belong to the trainer: `compile` takes none.

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

  def compile(self, optimizer="adam", *, jit_compile=False, **kwargs):
    """Configures training.

    Args:
      optimizer: Keras optimizer.
      jit_compile: whether to compile the step by XLA. Defaults to False.
      **kwargs: `run_eagerly`, `steps_per_execution`, `auto_scale_loss` of
        `keras.Model.compile`.

    Raises:
      ValueError: for losses or metrics, which a trainer has of its own.
    """
    given = [name for name in _REFUSED if kwargs.get(name) is not None]
    if given:
      raise ValueError(
        f"`{given[0]}` has no effect: {type(self).__name__} has losses and metrics of "
        f"its own. Received: {given[0]}={kwargs[given[0]]!r}"
      )
    super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)

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

  def descend(self, terms, output, tape, variables):
    """Takes one step of the optimizer on a weighted sum of terms of one output.

    TensorFlow adds gradients that meet at a tensor by AddN, on the CPU in the order in
    which buffers become free: from three on, the last bits of the sum differ from
    process to process. (Additions one by one do not help: TensorFlow's optimiser of
    graphs makes an AddN of them.) Here one reduction adds the gradients of the terms,
    and the sum passes through the network once.

    Args:
      terms: dict from a name to `(weight, function)`, the function from the output to
        a scalar, this replica's mean over its examples.
      output: tensor that the network returned.
      tape: `tf.GradientTape` that recorded how.
      variables: list of the network's variables to train.

    Returns:
      Dict of scalars as from `values_of`.
    """
    values, gradients = {}, []
    for name, (weight, function) in terms.items():
      with tf.GradientTape() as of_term:
        of_term.watch(output)
        values[name] = function(output)
        scaled = self.scaled(weight * values[name], self.optimizer)
      gradients.append(
        of_term.gradient(
          scaled, output, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
      )
    total = tf.reduce_sum(tf.stack(gradients), axis=0)
    self.optimizer.apply(tape.gradient(output, variables, total), variables)
    return _with_loss(terms, values)

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
    # fails on masks, and on the batches of several hosts. `fit` and `evaluate` call it.
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


def values_of(terms, output):
  """Computes terms of an output without a step; arguments as for `Trainer.descend`.

  Returns:
    Dict from each term's name to its value, and from `"loss"` to their weighted sum.
  """
  values = {name: function(output) for name, (_, function) in terms.items()}
  return _with_loss(terms, values)


def _with_loss(terms, values):
  weighted = [weight * values[name] for name, (weight, _) in terms.items()]
  # Not `sum`, which may become an AddN; see `Trainer.descend`.
  return {"loss": tf.reduce_sum(tf.stack(weighted)), **values}


class _Unsaved:
  """Hides metrics from checkpoints.

  They start anew with every epoch, and reading those of several replicas is a
  collective operation, in which the one process that saves would wait for the others.
  """

  def __init__(self, values):
    self.values = values
