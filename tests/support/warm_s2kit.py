"""`s2kit` as a command that starts in milliseconds: a server that has imported it forks a process for each call.

A shell that runs the examples of the manual calls a small client by the name `s2kit`. It hands its words, folder,
environment and standard streams to the server, whose child is then a process as any other: pipes, files and exit codes
are real ones.
"""

import array
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CLIENT = """\
#!{python} -IS
import array, json, os, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect({address!r})
words = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
streams = array.array("i", [0, 1, 2])
line.sendmsg([len(words).to_bytes(8, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
line.sendall(words)
code = line.recv(1)
sys.exit(code[0] if code else "the server of s2kit is gone")
"""
_IMPORTED = ("boto3", "joblib", "numpy", "pydantic", "pystac_client", "rasterio", "requests", "shapely", "s2kit.api")


@contextmanager
def warm_s2kit(folder: Path) -> Iterator[Path]:
    """Serve calls; gives the path of the client, a program named `s2kit` in `folder`."""
    address = folder / "socket"
    client = folder / "s2kit"
    client.write_text(_CLIENT.format(python=sys.executable, address=str(address)))
    client.chmod(0o755)
    line = socket.socket(socket.AF_UNIX)
    line.bind(str(address))
    line.listen(64)
    with line, subprocess.Popen([sys.executable, __file__, str(line.fileno())], pass_fds=[line.fileno()]) as server:
        try:
            yield client
        finally:
            server.terminate()


def _serve(line: socket.socket) -> None:
    for name in _IMPORTED:
        __import__(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the minders
    while True:
        call, _ = line.accept()
        if os.fork() == 0:
            line.close()
            _mind(call)
        call.close()


def _mind(call: socket.socket) -> None:
    """Run one call in a child, and answer with its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size = array.array("i", [0, 0, 0]).itemsize * 3
    head, ancillary, _, _ = call.recvmsg(8, socket.CMSG_SPACE(size))
    streams = array.array("i", ancillary[0][2][:size])
    length, body = int.from_bytes(head, "big"), b""
    while len(body) < length:
        body += call.recv(length - len(body))
    child = os.fork()
    if child == 0:
        call.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        _run(*json.loads(body))
    for stream in streams:
        os.close(stream)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    call.sendall(bytes([code if code >= 0 else 128 - code]))
    os._exit(0)


def _run(words: list[str], folder: str, environment: dict[str, str]) -> None:
    from s2kit.cli.start import main

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["s2kit", *words]
    sys.stdin = os.fdopen(0, "r", encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    main()


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
