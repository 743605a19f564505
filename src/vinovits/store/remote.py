"""The server that models come from: Hugging Face, or a mirror that is laid out as it is."""

from __future__ import annotations

import email.utils
import json
import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

from vinovits.errors import DownloadError, UsageError

if TYPE_CHECKING:
    import httpx2

HUB = "https://huggingface.co"
ENDPOINT = "HF_ENDPOINT"
TOKEN = "HF_TOKEN"
OFFLINE = ("VINOVITS_OFFLINE", "HF_HUB_OFFLINE")
"""Environment variables; the names that begin with HF are those of Hugging Face's own programs."""

_TOO_BUSY = (408, 425, 429)
"""Statuses besides 5xx that are worth another try."""
_LONGEST_WAIT = 120.0
"""Seconds; who asks for more is told to come back later."""
_LARGEST_ANSWER = 100_000_000
"""Bytes of an answer of the API: many times the longest listing, and no strain on memory."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is waited for."""

    tries: int = 5
    """Attempts without progress before giving up."""
    delay: float = 1.0
    """Seconds before the second attempt; doubles with each further one, up to half a minute."""
    timeout: float = 30.0
    """Seconds to connect, and seconds without a byte before a connection counts as dead."""


class TroubleError(Exception):
    """A failure that may pass: of the network, or of a server that is busy.

    Attributes:
        wait: Seconds that the server asks to wait, or None.
    """

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class NotThereError(DownloadError):
    """The server is fine, but doesn't have what is asked for."""


class Remote:
    """An open connection to a server. Nothing is sent before the first request.

    Proxies are taken from HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.
    """

    def __init__(self, mirror: str = "", patience: Patience | None = None) -> None:
        """Prepare a connection.

        Args:
            mirror: Address of a mirror; by default that in HF_ENDPOINT, or Hugging Face.
            patience: How long to wait.

        Raises:
            UsageError: The address isn't one of http or https.
            DownloadError: The environment says to stay offline.
        """
        check_online()
        self.endpoint = _endpoint(mirror)
        self.patience = patience or Patience()
        # A mirror that is named for one command isn't trusted with the token.
        self._token = "" if mirror else os.environ.get(TOKEN, "").strip()
        self._client: httpx2.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            self._client.close()

    def file_url(self, repository: str, revision: str, path: str) -> str:
        """Where a file of a repository is fetched."""
        return f"{self.endpoint}/{repository}/resolve/{quote(revision, safe='')}/{quote(path)}"

    def json(self, path: str, what: str) -> Any:
        """Ask a question of the server's API.

        Args:
            path: Of the API, from its first slash.
            what: What is asked for, for messages.

        Raises:
            DownloadError: There is no such thing, it may not be seen, or the answer is no JSON.
        """
        failures = 0
        while True:
            try:
                with self.get(self.endpoint + path, what) as response:
                    body = self._read(response, what)
                break
            except TroubleError as trouble:
                failures += 1
                self.wait(trouble, failures, what)
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise DownloadError(
                f"{self.endpoint} doesn't answer as Hugging Face does: what it says of {what} "
                f"isn't JSON. {self._check_endpoint()}"
            ) from None

    def _read(self, response: httpx2.Response, what: str) -> bytes:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > _LARGEST_ANSWER:
                raise DownloadError(
                    f"{self.endpoint} doesn't answer as Hugging Face does: what it says of {what} "
                    f"has no end. {self._check_endpoint()}"
                )
        return bytes(body)

    @contextmanager
    def get(
        self, url: str, what: str, headers: Mapping[str, str] | None = None
    ) -> Iterator[httpx2.Response]:
        """Ask for an address and follow redirections; the body is read in the block.

        Statuses 200, 206 and 416 are handed to the caller.

        Args:
            url: The address.
            what: What is asked for, for messages.
            headers: Sent along.

        Raises:
            TroubleError: A failure that may pass, in the block too.
            DownloadError: One that won't.
        """
        import httpx2

        client = self._open()
        # Compressed, a length would say nothing and a half could not be completed.
        sent = {"Accept-Encoding": "identity", **(headers or {})}
        if self._token and _origin(url) == _origin(self.endpoint):
            sent["Authorization"] = f"Bearer {self._token}"
        try:
            with client.stream("GET", url, headers=sent) as response:
                self._check(response, what)
                yield response
        except httpx2.TooManyRedirects:
            raise DownloadError(
                f"{self.endpoint} sends a request for {what} round in circles. "
                f"{self._check_endpoint()}"
            ) from None
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise DownloadError(
                f"{self.endpoint} redirects {what} to where no file can be: {error}. "
                f"{self._check_endpoint()}"
            ) from None
        except httpx2.TimeoutException:
            raise TroubleError(f"no answer for {self.patience.timeout:g} seconds") from None
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise DownloadError(
                    f"{self.endpoint} isn't trusted: {error}. If a proxy of your network stands "
                    "between, install its certificate, or name it in SSL_CERT_FILE."
                ) from None
            raise TroubleError(str(error).strip().rstrip(".") or type(error).__name__) from None

    def wait(
        self,
        trouble: TroubleError,
        failures: int,
        what: str,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Wait before the next attempt: longer each time, and never in step with others.

        Args:
            trouble: What went wrong.
            failures: How often in a row, from 1.
            what: What is asked for, for messages.
            tell: Is told that there will be another attempt.

        Raises:
            DownloadError: It went wrong too often, or the server asks for a very long wait.
        """
        if trouble.wait is not None and trouble.wait > _LONGEST_WAIT:
            raise DownloadError(
                f"{self.endpoint} asks to come back for {what} in {trouble.wait / 60:.0f} minutes. "
                "Run the command again then; what has arrived is kept."
            )
        if failures >= self.patience.tries:
            raise DownloadError(
                f"{what} can't be fetched from {self.endpoint}: {trouble} "
                f"({failures} attempts). Check the network and the proxy settings, run the "
                "command again later (what has arrived is kept), or name a mirror with --mirror."
            )
        tell(f"{what}: {trouble}; trying again")
        pause = min(self.patience.delay * 2 ** (failures - 1), 30.0) * random.uniform(0.5, 1.5)
        time.sleep(max(pause, trouble.wait or 0.0))

    def _open(self) -> httpx2.Client:
        if self._client is None:
            import httpx2

            try:
                self._client = httpx2.Client(
                    follow_redirects=True,
                    max_redirects=10,
                    timeout=self.patience.timeout,
                    headers={"User-Agent": f"vinovits/{version('vinovits')}"},
                    event_hooks={"request": [self._check_request]},
                )
            except (ValueError, httpx2.InvalidURL, ImportError) as error:
                raise DownloadError(
                    f"The proxy settings can't be used: {error} Check HTTP_PROXY, HTTPS_PROXY, "
                    "ALL_PROXY and NO_PROXY."
                ) from None
        return self._client

    def _check_request(self, request: httpx2.Request) -> None:
        """Refuse a redirection from an encrypted to an unencrypted address, before it is asked."""
        if request.url.scheme == "http" and urlsplit(self.endpoint).scheme == "https":
            raise DownloadError(
                f"{self.endpoint} redirects to an unencrypted address, {request.url.host}. It "
                f"isn't followed. {self._check_endpoint()}"
            )

    def _check(self, response: httpx2.Response, what: str) -> None:
        """Sort a response's status into what is fine, what may pass and what won't."""
        status = response.status_code
        if status in (200, 206, 416):
            return
        if status in (401, 403):
            where = "with the token in HF_TOKEN" if self._token else "without a token"
            raise DownloadError(
                f"{self.endpoint} doesn't give {what} {where} (status {status}). Check the name; "
                "if the repository is private or asks to accept its terms, do that on its page, "
                f"and set {TOKEN} to an access token of your account."
            )
        if status in (404, 410):
            raise NotThereError(f"{self.endpoint} has no {what} (status {status}).")
        if status >= 500 or status in _TOO_BUSY:
            raise TroubleError(f"the server answers with status {status}", _retry_after(response))
        raise DownloadError(
            f"{self.endpoint} refuses {what} with status {status}. {self._check_endpoint()}"
        )

    def _check_endpoint(self) -> str:
        return f"Check --mirror and {ENDPOINT}, or whether the network asks for a login."


def check_online() -> None:
    """Check that the network may be used.

    Raises:
        DownloadError: The environment says that it may not.
    """
    for name in OFFLINE:
        if os.environ.get(name, "").strip().lower() not in ("", "0", "false", "no", "off"):
            raise DownloadError(
                f"{name} is set, so nothing is downloaded. Unset it, or bring the files yourself "
                "(--from)."
            )


def _endpoint(mirror: str) -> str:
    address = (mirror or os.environ.get(ENDPOINT, "").strip() or HUB).rstrip("/")
    try:
        parts = urlsplit(address)
        known = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        known = False
    if not known:
        raise UsageError(
            f"{address!r} isn't the address of a server. Give one such as {HUB} with "
            f"--mirror or in {ENDPOINT}."
        )
    return address


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _retry_after(response: httpx2.Response) -> float | None:
    """Seconds that the header Retry-After asks for: a number or a date."""
    asked = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}", asked):
        return float(asked)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(asked).timestamp() - time.time())
    except ValueError:
        return None
