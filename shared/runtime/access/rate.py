"""How much one publisher may send: so that a client in a loop slows itself down and nobody else.

Each process keeps for each publisher the instant up to which what it sent is paid for at its rate. A request
is taken while that instant lies less than the burst ahead, and moves it on by what it costs; so a large
request is never starved, and over time nobody gets more than the rate. Time is passed in.
"""

from prometheus_client import Counter

DEFAULT_EVENTS_PER_SECOND = 20_000
"""About what one process can store at all: a fuse. An operator gives a publisher a rate of its own."""

BURST_SECONDS = 3.0
"""How far ahead of its rate a publisher may be; a portal that catches up after a pause is not held up."""

_MAX_REMEMBERED = 10_000

LIMITED = Counter(
    "bus_rate_limited", "Requests refused because their publisher sends too much", ["publisher"]
)


class RateLimits:
    """The rates of all publishers in one process."""

    def __init__(
        self, default_per_second: float = DEFAULT_EVENTS_PER_SECOND, burst_seconds: float = BURST_SECONDS
    ) -> None:
        self._default = default_per_second
        self._burst = burst_seconds
        self._paid_until: dict[str, float] = {}

    def wait_seconds(self, publisher: str, events: int, per_second: float | None, now: float) -> float:
        """0 when the request is taken; otherwise how long to wait before one is, and nothing is counted.

        `per_second` is the publisher's own rate, None for the default; `now` is of a clock that never goes
        back.
        """
        paid_until = max(self._paid_until.get(publisher, now), now)
        if paid_until - now > self._burst:
            return paid_until - now - self._burst
        if len(self._paid_until) >= _MAX_REMEMBERED:
            self._forget(now)
        self._paid_until[publisher] = paid_until + events / (per_second or self._default)
        return 0.0

    def _forget(self, now: float) -> None:
        """Who owes nothing needs no memory."""
        self._paid_until = {name: until for name, until in self._paid_until.items() if until > now}
