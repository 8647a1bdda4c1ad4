"""Serves an application on a free port of this machine, for a block of code."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from panosc.cli.serving.protocol import Protocol


@contextmanager
def serving(app: FastAPI, host: str = "127.0.0.1", *, timeout_keep_alive: int = 5) -> Iterator[str]:
    """Serve `app` as `panosc serve` does; yield its address."""
    # named, so that answers are sent at once: see cli.serve
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind((host, 0))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=Protocol,
        timeout_keep_alive=timeout_keep_alive,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
