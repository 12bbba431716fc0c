"""Tensors of another framework than the backend's."""

_OWNERS = {"tensorflow": "tensorflow", "jaxlib": "jax", "jax": "jax", "torch": "torch"}


def refuse(values, backend):
  """Raises `TypeError` for a tensor of another framework: it would lose its gradient.

  Args:
    values: anything; what belongs to no framework passes.
    backend: name of the framework that Keras runs on.
  """
  owner = _OWNERS.get(type(values).__module__.split(".")[0], backend)
  if owner != backend:
    raise TypeError(
      f"Keras runs on {backend}. Received: a tensor of {owner}; set "
      f"KERAS_BACKEND={owner} before the first import of Keras, or pass NumPy arrays"
    )
