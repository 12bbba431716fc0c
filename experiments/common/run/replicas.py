"""What a run must know about its `tf.distribute` strategy.

On several hosts, every process runs the same code, one of them as the chief, which
alone writes files.
"""

import tensorflow as tf


def on_several_hosts(strategy):
  return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def is_chief(strategy):
  """Whether this process is the one that writes files."""
  return not on_several_hosts(strategy) or strategy.cluster_resolver.task_id == 0


def dataset(strategy, make):
  """The data of all replicas.

  Args:
    strategy: `tf.distribute.Strategy`.
    make: function from a `tf.distribute.InputContext`, or `None` on one device, to a
      `tf.data.Dataset` of a replica's batches.
  """
  if strategy.num_replicas_in_sync == 1 and not on_several_hosts(strategy):
    return make(None)
  return strategy.distribute_datasets_from_function(make)


def wait_for_all(strategy):
  """Returns when all processes are here."""
  total(strategy, 0.0)


def total(strategy, value):
  """The sum of a number of each replica; the others wait until all have called it."""
  if not on_several_hosts(strategy):
    return value * strategy.num_replicas_in_sync

  @tf.function
  def add():
    return strategy.run(
      lambda: tf.distribute.get_replica_context().all_reduce(
        tf.distribute.ReduceOp.SUM, tf.constant(value, tf.float64)
      )
    )

  return float(strategy.experimental_local_results(add())[0])
