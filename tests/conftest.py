import tensorflow as tf

# As the experiments do without a GPU: tests of equal bits must not depend on how busy
# the machine is.
tf.config.experimental.enable_op_determinism()
