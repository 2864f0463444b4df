"""A TCP server of attribute values, for programs on this machine.

A client sends the name of an attribute as a line. It gets its value as a line, or the
error, as Tango prints it. The argument is the port.
"""

import asyncio
import contextlib
import sys

import taurus

from taurus_tpo import aio


async def answer(model: str) -> str:
    if taurus.getSchemeFromName(model) != "tango":
        # An evaluation runs what the client sends as Python code.
        return f"not a Tango attribute: {model}"
    [found] = await aio.read(model, timeout=10)
    return str(found if isinstance(found, Exception) else found.rvalue)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError), contextlib.closing(writer):
        async for line in reader:
            text = await answer(line.decode(errors="replace").strip())
            writer.write(" ".join(text.split()).encode() + b"\n")
            await writer.drain()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
