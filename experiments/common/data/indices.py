"""Chooses the examples that a process prepares, by their index in the whole training.

Every example is a function of the seed and its index alone. A run that was cut off
therefore goes on with the very examples it would have seen, two runs with one seed see
the same, and replicas share the examples of one device among them.
"""

import tensorflow as tf


def from_step(start, batch_size, context=None):
  """Indices from a step on, without end.

  A step's global batch has the indices `start * batch_size` to `(start + 1) *
  batch_size - 1`; replicas take equal parts of it, in their order.

  Args:
    start: number of steps to skip.
    batch_size: of the global batch.
    context: `tf.distribute.InputContext`, or `None` (default) for a single device.

  Returns:
    `(dataset, size)`: a `tf.data.Dataset` of int64 scalars, those of this process's
    replicas, and how many of them are a replica's batch.

  Raises:
    ValueError: if the replicas cannot share the batch equally.
  """
  everything = tf.data.Dataset.counter(start * batch_size)
  if context is None:
    return everything, batch_size
  size = context.get_per_replica_batch_size(batch_size)
  share = batch_size // context.num_input_pipelines
  first = context.input_pipeline_id * share
  steps = everything.batch(batch_size)
  return steps.map(lambda batch: batch[first : first + share]).unbatch(), size
