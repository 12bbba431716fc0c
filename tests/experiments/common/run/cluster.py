"""Two workers of `--strategy=multi_worker` on this machine."""

import json
import os
import socket


def environments():
  """The environments of both, with free ports."""
  sockets = [socket.create_server(("localhost", 0)) for _ in range(2)]
  hosts = [f"localhost:{listener.getsockname()[1]}" for listener in sockets]
  for listener in sockets:
    listener.close()
  return [
    {
      **os.environ,
      "TF_CONFIG": json.dumps(
        {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}
      ),
    }
    for index in range(2)
  ]
