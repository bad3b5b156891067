"""The line to one Tonearm: what it says, and what it is asked.

Knows nothing of Home Assistant.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import aiohttp
from yarl import URL

from .login import is_daemon, make_login, parse_challenge

# Seconds.
_OPENING = 10
_ANSWER = 35
_SILENCE = 15
_LARGEST = 4 * 1024 * 1024
# The close code of a daemon whose owner has taken the key back.
_KEY_REMOVED = 4401

type Picture = dict[str, Any]


class TonearmError(Exception):
    """What went wrong, in a sentence for people."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Away(TonearmError):
    """Nobody answers, or not as a Tonearm does."""


class UnknownName(Away):
    """It does not know the name it was reached by as one of its own."""


class Refused(TonearmError):
    """It does not accept the key."""


# What a message raises that is not as docs/api.md has it.
_MALFORMED = (AttributeError, KeyError, TypeError, ValueError)


def base_url(text: str) -> str:
    """An address as people type it, made one that is kept. Raises ValueError."""
    text = text.strip()
    url = URL(text if "://" in text else f"http://{text}")
    if url.scheme not in ("http", "https") or not url.host or url.path not in ("", "/") or url.query_string:
        raise ValueError(text)
    port = url.explicit_port
    if port is None:
        port = 8484 if url.scheme == "http" else 443
    host = f"[{url.host}]" if ":" in url.host else url.host
    # With its port always: 80 left out would be read as 8484 the next time.
    return f"{url.scheme}://{host}:{port}"


@dataclass
class House:
    """Everything the daemon has said, as it is now. Zones and presets are those of docs/api.md."""

    daemon: Picture
    scope: str
    zones: dict[str, Picture]
    presets: list[Picture]
    # What the daemon's clock is ahead of ours, in seconds.
    ahead: float = 0
    conditions: list[Picture] = field(default_factory=list)

    def moment(self, unix_ms: float) -> datetime:
        """A moment of the daemon's clock on ours."""
        return datetime.fromtimestamp(unix_ms / 1000 - self.ahead, UTC)


def read_hello(message: Picture) -> House:
    """The first message of a line."""
    daemon = message["daemon"]
    return House(
        daemon=daemon,
        scope=message["scope"],
        zones={zone["id"]: zone for zone in message["zones"]},
        presets=message["presets"],
        ahead=how_far_ahead(daemon),
    )


def how_far_ahead(daemon: Picture) -> float:
    """What the daemon's clock is ahead of ours as it says this, in seconds."""
    return daemon["now"] / 1000 - datetime.now(UTC).timestamp()


class Line:
    """One socket to a daemon, opened once and used until it ends."""

    def __init__(self, url: str, key: str, session: Callable[[aiohttp.TraceConfig], aiohttp.ClientSession]) -> None:
        """`session` makes one that is traced: the daemon proves itself in a header of the answer that opens the socket."""
        self._url = URL(url).with_scheme("wss" if url.startswith("https") else "ws") / "api/v1/events" % {"by": "home-assistant"}
        self._key = key
        self._headers: Any = {}
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._note)
        self._session = session(trace)
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._waiting: dict[int, asyncio.Future[Picture]] = {}
        self._last = 0

    async def _note(self, _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
        self._headers = params.response.headers

    async def open(self) -> House:
        """Comes in and reads the first message. Raises Away or Refused."""
        try:
            async with asyncio.timeout(_OPENING):
                self._socket = await self._come_in()
                message = await self._socket.receive_json()
            if message["kind"] != "hello" or message["daemon"]["api"] != 1:
                raise Away("This Tonearm speaks another language than this integration. Bring both up to date.")
            return read_hello(message)
        except aiohttp.WSServerHandshakeError as error:
            if error.status == 403:
                raise UnknownName("It does not know this name as its own.") from error
            raise Away(f"It answered with HTTP {error.status}.") from error
        except TimeoutError as error:
            raise Away("It did not answer in time.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Away(str(error) or type(error).__name__) from error
        except _MALFORMED as error:
            raise Away("What answers there does not speak as Tonearm does.") from error

    async def _come_in(self) -> aiohttp.ClientWebSocketResponse:
        try:
            stranger = await self._connect({})
        except aiohttp.WSServerHandshakeError as error:
            challenge = parse_challenge((error.headers or {}).get("WWW-Authenticate"))
            if error.status != 401 or challenge is None:
                raise
        else:
            await stranger.close()
            raise Away("What answers there lets everybody in, so it is not the Tonearm the key is from.")
        login = make_login(self._key, challenge)
        try:
            socket = await self._connect({"Authorization": login.authorization})
        except aiohttp.WSServerHandshakeError as error:
            # Only who has asked for our proof can say that it is not valid.
            if error.status == 401:
                raise Refused("Tonearm does not accept this key.") from error
            raise
        if not is_daemon(self._headers.get("Authentication-Info"), login):
            await socket.close()
            raise Away("What answers there does not know our key, so it is not the Tonearm the key is from.")
        return socket

    async def _connect(self, headers: dict[str, str]) -> aiohttp.ClientWebSocketResponse:
        return await self._session.ws_connect(self._url, headers=headers, heartbeat=_SILENCE, max_msg_size=_LARGEST)

    async def listen(self, hear: Callable[[Picture], None]) -> None:
        """Hands on what is said until the line ends; then raises Away or Refused."""
        socket = self._socket
        assert socket is not None
        try:
            async for frame in socket:
                if frame.type is not aiohttp.WSMsgType.TEXT:
                    continue
                message = frame.json()
                if message["kind"] == "answer":
                    self._answered(message)
                else:
                    hear(message)
        except _MALFORMED as error:
            raise Away("It said what cannot be read.") from error
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(Away("The connection to Tonearm ended before it answered."))
            self._waiting.clear()
        if socket.close_code == _KEY_REMOVED:
            raise Refused("The key was taken back.")
        raise Away("The connection ended.")

    async def ask(self, what: str, fields: Picture | None = None) -> Picture:
        """One request of docs/api.md and its answer. Raises TonearmError with what the daemon says."""
        socket = self._socket
        if socket is None or socket.closed:
            raise Away("Tonearm is not connected.")
        self._last += 1
        number = self._last
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(_ANSWER):
                await socket.send_json({"id": number, "do": what, "with": fields or {}})
                return await waiting
        except TimeoutError as error:
            raise Away("Tonearm did not answer in time.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Away("The connection to Tonearm ended.") from error
        finally:
            self._waiting.pop(number, None)

    def _answered(self, message: Picture) -> None:
        waiting = self._waiting.get(message["id"])
        if waiting is None or waiting.done():
            return
        if (error := message.get("error")) is not None:
            waiting.set_exception(TonearmError(error["message"], error["code"]))
        else:
            waiting.set_result(message["ok"])

    async def close(self) -> None:
        """Hangs up."""
        try:
            if self._socket is not None:
                await self._socket.close()
        finally:
            # Not closed: the connections under it are everybody's.
            self._session.detach()


async def look(url: str, key: str, session: Callable[[aiohttp.TraceConfig], aiohttp.ClientSession]) -> House:
    """Comes in once and leaves again. Raises Away or Refused."""
    line = Line(url, key, session)
    try:
        return await line.open()
    finally:
        await line.close()
