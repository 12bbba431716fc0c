"""The errors that end a run in one line, without a traceback."""


class UserError(ValueError):
  """A mistake of the user: flags, files or data that cannot be used.

  The message names the flag, what was expected and what was received. Other errors are
  the program's, and keep their traceback.
  """


class StoppedError(Exception):
  """The user asked the run to stop; its state is saved."""
