"""The life of a service process: crash only.

Loops run as supervised tasks. SIGTERM drains and ends with 0. A loop that ends or raises unasked, or that
makes no progress, ends the process with a clear log; its supervisor starts it again from the last commit.
"""

import asyncio
import faulthandler
import gc
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime import logs, problem
from shared.runtime.http_limits import PatientProtocol
from shared.runtime.settings import ServiceSettings

EXIT_FAULT = 1
EXIT_STALLED = 70
DRAIN_SECONDS = 20.0
_BEAT_SECONDS = 0.5

log = logs.get(__name__)


class Beat:
    """The pulse of one loop: it must be touched at least once in the stall time."""

    __slots__ = ("_last", "name", "stall_seconds")

    def __init__(self, name: str, stall_seconds: float) -> None:
        self.name = name
        self.stall_seconds = stall_seconds
        self._last = time.monotonic()

    def touch(self) -> None:
        """Say that the loop goes on (also when there was nothing to do)."""
        self._last = time.monotonic()

    def silent_seconds(self) -> float:
        return time.monotonic() - self._last

    def stalled(self) -> bool:
        return self.silent_seconds() > self.stall_seconds


class Life:
    """What keeps the loops of one process together. Made inside the running event loop."""

    def __init__(self, stall_seconds: float = 60.0) -> None:
        self.stall_seconds = stall_seconds
        self.stopping = asyncio.Event()
        self._fault: BaseException | None = None
        self._tasks: dict[asyncio.Task[None], str] = {}
        self._beats: list[Beat] = []
        self._conditions: dict[str, Callable[[], str | None]] = {}
        self._over = threading.Event()

    # ------------------------------------------------------------------ loops

    def spawn(self, name: str, loop: Callable[[Beat], Awaitable[None]]) -> asyncio.Task[None]:
        """Run `loop` until the process stops. It gets its beat to touch; it ends only when cancelled or
        after `stopping` is set. Ending earlier, or raising, ends the process."""
        beat = self.beat(name)

        async def supervised() -> None:
            try:
                await loop(beat)
            finally:
                self._beats.remove(beat)

        task = asyncio.create_task(supervised(), name=name)
        self._tasks[task] = name
        task.add_done_callback(self._ended)
        return task

    def beat(self, name: str) -> Beat:
        """A pulse to watch for something that is not a task of ours."""
        beat = Beat(name, self.stall_seconds)
        self._beats.append(beat)
        return beat

    def _ended(self, task: asyncio.Task[None]) -> None:
        name = self._tasks.pop(task, "?")
        if task.cancelled():
            return
        fault = task.exception()
        if fault is not None:
            self.fail(fault, name)
        elif not self.stopping.is_set():
            self.fail(RuntimeError(f"the loop {name} ended by itself"), name)

    def fail(self, fault: BaseException, where: str) -> None:
        """End the process because of `fault`."""
        log.error("fault: the process ends", where=where, exc_info=fault)
        if self._fault is None:
            self._fault = fault
        self.stopping.set()

    # -------------------------------------------------------------- readiness

    def require(self, name: str, reason_not_ready: Callable[[], str | None]) -> None:
        """Be ready only while `reason_not_ready()` answers None."""
        self._conditions[name] = reason_not_ready

    def not_ready(self) -> dict[str, str]:
        """Why the process should get no work, by condition; empty when it is ready."""
        if self.stopping.is_set():
            return {"process": "is stopping"}
        reasons = {name: reason() for name, reason in self._conditions.items()}
        return {name: reason for name, reason in reasons.items() if reason is not None}

    def stalled(self) -> list[str]:
        """Loops without progress."""
        return [beat.name for beat in self._beats if beat.stalled()]

    # ------------------------------------------------------------------- ends

    async def run(self) -> None:
        """Wait for SIGTERM, SIGINT or a fault."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked, number)
        await self.stopping.wait()

    def _asked(self, number: int) -> None:
        log.info("asked to stop", signal=signal.Signals(number).name)
        self.stopping.set()

    async def finish(self, seconds: float = DRAIN_SECONDS) -> None:
        """Give the loops `seconds` to end by themselves after `stopping`, then cancel them."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=5)

    def exit_code(self) -> int:
        return EXIT_FAULT if self._fault is not None else 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch the event loop and all beats from a thread of its own; a stall ends the process."""
        pulse = self.beat("event loop")

        async def beating() -> None:
            while True:
                pulse.touch()
                await asyncio.sleep(_BEAT_SECONDS)

        task = asyncio.create_task(beating(), name="pulse")
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        try:
            yield
        finally:
            self._over.set()
            task.cancel()

    def _watch(self) -> None:
        previous = time.monotonic()
        while not self._over.wait(_BEAT_SECONDS):
            now = time.monotonic()
            if now - previous > 5:
                # The whole process was stopped and woken; every loop deserves its full time again.
                for beat in list(self._beats):
                    beat.touch()
            previous = now
            stalled = self.stalled()
            if stalled:
                log.error("no progress: the process ends", loops=stalled)
                faulthandler.dump_traceback(file=sys.stderr)
                sys.stderr.flush()
                os._exit(EXIT_STALLED)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: signals are the life's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Ending:
    """ASGI middleware: a request that the end of the process cuts off is told so, and when to ask again.

    Whoever waits for a connection of a pool that is closed is cancelled; uvicorn would answer that with a
    plain text and the status of a fault.
    """

    def __init__(self, app: ASGIApp, life: Life) -> None:
        self._app = app
        self._life = life

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; answer 503 for what is cancelled while the process ends."""
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            asked = task is not None and task.cancelling() > 0
            if begun or asked or scope["type"] != "http" or not self._life.stopping.is_set():
                raise
            headers = {"Retry-After": "5", "Connection": "close"}
            answer = problem.respond(503, "stopping", "The service is stopping; ask again.", headers=headers)
            await answer(scope, receive, send)


Service = Callable[[Life], AbstractAsyncContextManager[FastAPI]]
"""Opens what a service needs, spawns its loops and gives its HTTP application; on leaving, it drains."""


async def live(settings: ServiceSettings, service: Service) -> int:
    """Run `service` until it is asked to stop or fails; answers the exit code."""
    life = Life(settings.stall_seconds)
    with life.watched():
        try:
            async with service(life) as app:
                server = _Server(
                    uvicorn.Config(
                        Ending(app, life), host=settings.host, port=settings.port, log_config=None,
                        access_log=False, timeout_graceful_shutdown=10, lifespan="off", backlog=1024,
                        http=PatientProtocol,
                    )
                )  # fmt: skip

                async def serve(beat: Beat) -> None:
                    beat.stall_seconds = float("inf")
                    await server.serve()

                life.spawn("http", serve)
                await life.run()
                server.should_exit = True
            await life.finish()
        except SystemExit as error:
            life.fail(RuntimeError(f"a library asked to exit with {error.code}"), "process")
        except Exception as error:
            life.fail(error, "process")
    return life.exit_code()


def main(name: str, settings: ServiceSettings, service: Service) -> int:
    """The `__main__` of a service: logging, the event loop, `live`."""
    logs.configure(name, settings.log)
    faulthandler.enable()
    # A batch makes tens of thousands of objects and hardly a cycle: look for cycles far less often.
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    _raise_open_files()
    log.info("starting", port=settings.port, pid=os.getpid())
    code = asyncio.run(live(settings, service))
    log.info("ended", exit_code=code)
    return code


def _raise_open_files() -> None:
    """As many connections as the machine allows: the soft limit is often a thousand."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
