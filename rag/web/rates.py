"""How often a client may ask."""

from __future__ import annotations

import math
import time

from starlette.types import Scope

from rag.serving import Key
from rag.types.errors import UsageError
from rag.web.addresses import Proxies, client_of
from rag.web.problems import Problem


class Rates:
    """Counts the requests of each key, and of each address that sends none.

    `rate` is how many are allowed, as in `60/minute`. Each worker counts on its own.
    """

    def __init__(self, rate: str, proxies: Proxies) -> None:
        # Only here: it takes a tenth of a second, and most services have no limit.
        import limits
        from limits.aio.storage import MemoryStorage
        from limits.aio.strategies import SlidingWindowCounterRateLimiter

        try:
            self._rate = limits.parse(rate)
        except ValueError:
            raise UsageError(f"RAG_RATE is {rate!r}: write it as in 60/minute") from None
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._proxies = proxies

    async def count(self, scope: Scope, key: Key | None) -> None:
        """Counts a request. Raises Problem 429 if its client has sent too many."""
        client = key.id if key else client_of(scope, self._proxies)
        if await self._limiter.hit(self._rate, client):
            return
        window = await self._limiter.get_window_stats(self._rate, client)
        seconds = max(1, math.ceil(window.reset_time - time.time()))
        detail = f"more than {self._rate} requests came from this client: wait"
        raise Problem(429, "rate_limited", detail, {"Retry-After": str(seconds)})
