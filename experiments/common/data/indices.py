"""Endless batches for training, drawn by index.

Every example is a function of the seed and its index in a phase of a training alone. A
run that was cut off therefore goes on with the very examples it would have seen, two
runs with one seed see the same, and replicas share the examples of one device.
"""

import functools

import numpy as np
import tensorflow as tf


def batches(source, cut, types, finish, batch_size, seed, start=0, context=None):
  """Draws batches; each epoch visits every example once, in random order.

  Args:
    source: sequence of examples.
    cut: function from an example and a `numpy.random.Generator` to one array, or a
      tuple of them.
    types: their TensorFlow type, or a tuple of types.
    finish: function from a batch of these arrays, as tensors of unknown shape, and its
      size to an element of the dataset.
    batch_size: examples per global batch.
    seed: integer.
    start: number of batches to skip.
    context: `tf.distribute.InputContext` if replicas share the batch.

  Returns:
    Infinite `tf.data.Dataset` of a replica's part of each batch.

  Raises:
    ValueError: if the replicas cannot share the batch equally.
  """
  numbers, size = _from_step(start, batch_size, context)

  @functools.lru_cache(maxsize=8)
  def order(epoch):
    return np.random.default_rng([seed, 0, epoch]).permutation(len(source))

  def draw(index):
    epoch, position = divmod(int(index), len(source))
    example = source[int(order(epoch)[position])]
    return cut(example, np.random.default_rng([seed, 1, int(index)]))

  return (
    numbers.map(
      lambda index: tf.numpy_function(draw, [index], types, stateful=False),
      num_parallel_calls=tf.data.AUTOTUNE,
      deterministic=True,
    )
    .batch(size)
    .map(
      functools.partial(finish, size=size),
      num_parallel_calls=tf.data.AUTOTUNE,
      deterministic=True,
    )
    .prefetch(tf.data.AUTOTUNE)
  )


def _from_step(start, batch_size, context):
  """Lists the indices of a process's examples from a step on, without end.

  A step's global batch has the indices `start * batch_size` to `(start + 1) *
  batch_size - 1`; replicas take equal parts of it, in their order.

  Returns:
    A `tf.data.Dataset` of int64 scalars, and how many of them are a replica's batch.
  """
  everything = tf.data.Dataset.counter(start * batch_size)
  if context is None:
    return everything, batch_size
  size = context.get_per_replica_batch_size(batch_size)
  share = batch_size // context.num_input_pipelines
  first = context.input_pipeline_id * share
  steps = everything.batch(batch_size)
  return steps.map(lambda batch: batch[first : first + share]).unbatch(), size
