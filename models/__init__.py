"""The paper's networks and training steps, which are TensorFlow's alone."""

import keras

if keras.backend.backend() != "tensorflow":
  raise ImportError(
    "models and experiments need TensorFlow; cxloss alone works on every backend. "
    f"Received: KERAS_BACKEND={keras.backend.backend()}"
  )
