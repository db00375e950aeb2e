"""What Docker does for a published port: `python forward.py HOST:PORT=HOST:PORT ...`."""

import asyncio
import sys
from contextlib import suppress


async def pump(reader, writer):
    with suppress(OSError):
        while piece := await reader.read(2**16):
            writer.write(piece)
            await writer.drain()
    writer.close()


def towards(host, port):
    async def connected(reader, writer):
        try:
            there, back = await asyncio.open_connection(host, port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, back), pump(there, writer))

    return connected


async def main(rules):
    servers = []
    for rule in rules:
        (host, port), (to, at) = (end.split(":") for end in rule.split("="))
        servers.append(await asyncio.start_server(towards(to, int(at)), host, int(port)))
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
