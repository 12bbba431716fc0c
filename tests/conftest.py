import keras

if keras.backend.backend() == "tensorflow":
  import tensorflow as tf

  # As the experiments do without a GPU: tests of equal bits must not depend on how busy
  # the machine is. Random numbers then need a seed.
  tf.config.experimental.enable_op_determinism()
keras.utils.set_random_seed(0)
