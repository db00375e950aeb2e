"""What a user's path names, `my_package.my_module:name`, whatever importing it does."""

from __future__ import annotations

import importlib
from typing import Any


def imported(path: str) -> Any:
    """What the module has under that name. Raises ValueError that says why it cannot be had."""
    module, _, attribute = path.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as fault:
        raise ValueError(f"{path!r}: {fault}. Is it installed where the trials run?") from fault
    except (Exception, SystemExit) as fault:  # the user's module may raise anything, or call exit
        said = f"{type(fault).__name__}: {fault}"[:500]
        raise ValueError(f"{path!r}: importing it ended with {said}") from fault
