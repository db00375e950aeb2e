"""The way to an MLflow server: a client that is quiet and asks once, and what its answers mean.

answer                             is                what follows
400, 404, 413 and the like         `Refused`         it will not be taken, however often it is sent
401, 403                           `Denied`          concerns everything: asked again rarely
429, 5xx, none at all, and 4xx     `Unavailable`     asked again later, after what the server
when it is not about a run                           asks for in Retry-After
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tuner.wording import shown

if TYPE_CHECKING:
    from mlflow import MlflowClient

Answer = TypeVar("Answer")

SQLITE = "sqlite:///"
ENVIRONMENT = {
    # No retries inside MLflow: it repeats a POST that timed out, which can create a run twice.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


class Unavailable(Exception):
    """Nothing can be sent now. wait: seconds that the server asks for, None if it does not."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class Denied(Unavailable):
    """The server wants other credentials."""


class Refused(Exception):
    """The server will not take this, however often it is sent."""


def ask(call: Callable[[], Answer]) -> Answer:
    """What a call of MLflow's client returns. Raises Refused, Denied, Unavailable."""
    _heard.answer = None
    try:
        return call()
    # Broad: requests, sqlalchemy and mlflow raise each their own.
    except Exception as exc:
        raise _meaning(exc) from exc


_heard = threading.local()
"""The last HTTP response of this thread: what MLflow makes of it has neither status nor headers."""


def _meaning(exc: Exception) -> Exception:
    from mlflow.exceptions import ERROR_CODE_TO_HTTP_STATUS, MlflowException

    answer, reason = getattr(_heard, "answer", None), _reason(exc)
    if answer is not None and answer.status_code >= 400:
        status = answer.status_code
    else:
        code = exc.error_code if isinstance(exc, MlflowException) else ""
        status = ERROR_CODE_TO_HTTP_STATUS.get(code, 500)
    if status in (401, 403):
        return Denied(
            f"refuses access ({status}): {reason} Look at MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
        )
    if 400 <= status < 500 and status not in (408, 409, 425, 429):
        return Refused(reason)
    return Unavailable(reason, _retry_after(answer))


def _reason(exc: Exception) -> str:
    text = " ".join(str(exc).split()) or "no message"
    return f"{type(exc).__name__}: {shown(text, 300)}"


def _retry_after(answer: Any) -> float | None:
    """Seconds that a server asks one to wait, which it may give as a date."""
    header = answer.headers.get("Retry-After") if answer is not None else None
    if header is None:
        return None
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    with suppress(InvalidHeader):
        return float(Retry().parse_retry_after(header))
    return None


@cache
def _ear() -> Any:
    """The way to a server that notes its answers, and leaves what to do about them to us."""
    from mlflow.utils.request_utils import TCPKeepAliveHTTPAdapter

    class Ear(TCPKeepAliveHTTPAdapter):
        def send(self, *args: Any, **options: Any) -> Any:
            _heard.answer = super().send(*args, **options)
            return _heard.answer

    return Ear(max_retries=0)


def client_of(uri: str) -> MlflowClient:
    """A client that is quiet and does not repeat requests by itself."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):  # a line for each migration of a new database
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
    if uri.startswith(SQLITE):
        _make_database(Path(uri.removeprefix(SQLITE)))
    elif uri.startswith(("http://", "https://")):
        _listen(uri)
    return MlflowClient(uri)


def version_of(uri: str) -> str:
    """Of the server; where a database is written to directly, of whoever serves it here."""
    from mlflow.utils import credentials, rest_utils
    from mlflow.version import VERSION

    if not uri.startswith(("http://", "https://")):
        return str(VERSION)
    request: Any = rest_utils.http_request  # neither has types
    credentials_for: Any = credentials.get_default_host_creds
    answer = request(credentials_for(uri), "/version", "GET")
    return str(answer.text) if answer.status_code == 200 else ""


def _listen(uri: str) -> None:
    """Have MLflow's requests to this server go through `_ear`.

    MLflow has no name for this; without it Retry-After is not heard of, and all else goes on.
    """
    from mlflow import environment_variables as given

    with suppress(ImportError, AttributeError, TypeError):
        from mlflow.utils import request_utils

        session_of: Any = request_utils._get_request_session
        settings: tuple[Any, ...] = (
            given.MLFLOW_HTTP_REQUEST_MAX_RETRIES,
            given.MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR,
            given.MLFLOW_HTTP_REQUEST_BACKOFF_JITTER,
            given.MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER,
        )
        retries, factor, jitter, respect = (setting.get() for setting in settings)
        codes = request_utils._TRANSIENT_FAILURE_RESPONSE_CODES
        session_of(retries, factor, jitter, codes, True, respect).mount(
            f"{uri.rstrip('/')}/", _ear()
        )


def _make_database(path: Path) -> None:
    """MLflow's tables in a file that is there whole or not at all.

    A process that dies in the midst of MLflow's migrations leaves a file that no later one opens.
    """
    from mlflow import MlflowClient

    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)  # of a process of the same number that died here
    try:
        MlflowClient(f"{SQLITE}{temporary}").search_experiments(max_results=1)
        with suppress(FileExistsError):  # another sweep was faster
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def without_password(text: str) -> str:
    """A text in which there are addresses, as it may be shown."""
    return re.sub(r"//[^/@\s]*@", "//***@", text)
