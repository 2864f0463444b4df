"""Sends back what it receives, until nobody sends any more."""

from __future__ import annotations

import socket

with socket.create_server(("", 5555)) as server:
    print("ready", flush=True)
    with server.accept()[0] as asking:
        while data := asking.recv(1):
            asking.sendall(data)
