"""A process that serves nothing but the stream of score changes.

    python -m tests.security.streaming DATABASE_URL MOST_CLIENTS

Prints its port, and serves until its standard input ends.
"""

import asyncio
import socket
import sys
from types import SimpleNamespace
from typing import Any, cast

import uvicorn
from fastapi import FastAPI

from services.scoring import api
from services.scoring.stream import Stream
from shared.runtime import problem
from shared.runtime.http_limits import BodyLimits, PatientProtocol
from shared.runtime.life import Life
from shared.runtime.postgres import open_pool


async def main(url: str, most: int) -> None:
    """Serve."""
    life = Life()
    async with open_pool(url, application="stream", size=4) as pool:
        stream = Stream(life, pool, most)
        app = FastAPI()
        problem.install(app)
        app.add_middleware(BodyLimits)
        api.add_changes(app, lambda: cast(Any, SimpleNamespace(stream=stream)))
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", http=PatientProtocol)
        server = uvicorn.Server(config)
        listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        stream.start()
        print(listening.getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)
        life.stopping.set()
        server.should_exit = server.force_exit = True
        await serving
        await life.finish(5)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
