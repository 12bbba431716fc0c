"""Raises where metrics do not work, before anything else of theirs is imported."""

import keras

if keras.backend.backend() != "tensorflow":
  raise ImportError(
    "cxloss.metrics needs TensorFlow; the losses work on every backend. Received: "
    f"KERAS_BACKEND={keras.backend.backend()}"
  )
