"""What makes a domain impossible, and the messages that say so."""

from __future__ import annotations

from search_spaces.scales import Scale
from search_spaces.values import is_number, plain, written


class DomainError(ValueError):
    """An impossible domain; `field` names the argument that is at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def check_range(low: float, high: float, scale: str, scales: tuple[Scale, ...]) -> None:
    """Refuse ends that are no finite numbers, that are out of order, or that the scale lacks."""
    if scale not in scales:
        raise DomainError(
            "scale",
            f"scale is {written(scale)}, expected a known one. Write {' or '.join(scales)}.",
        )
    for field, end in (("low", low), ("high", high)):
        if not is_number(plain(end)):
            raise DomainError(
                field,
                f"{field} is {written(end)}, expected a finite number. "
                "Write one, such as 0.1, without quotes.",
            )
    if low > high:
        raise DomainError(
            "low", f"low is {written(low)}, above high, {written(high)}. Swap the two."
        )
    if low == high:
        raise DomainError(
            "low",
            f"low and high are both {written(low)}, expected a range. "
            f"Give the fixed value {written(low)} instead.",
        )
    if scale == "log" and low <= 0:
        raise DomainError(
            "low",
            f"low is {written(low)}, but a log range lies above 0. "
            "Raise low above 0, or write scale: linear.",
        )
    if scale == "logit":
        _check_logit(low, high)


def _check_logit(low: float, high: float) -> None:
    for field, end in (("low", low), ("high", high)):
        if not 0 < end < 1:
            raise DomainError(
                field,
                f"{field} is {written(end)}, but a logit range lies inside (0, 1). "
                "Move the end inside, such as 0.001 or 0.999, or write scale: linear.",
            )


def check_whole(low: int, high: int, largest: int) -> None:
    """Refuse ends that are no integers, or so large that neighbours could not be told apart."""
    for field, end in (("low", low), ("high", high)):
        if int(end) != end or isinstance(plain(end), float):
            raise DomainError(
                field,
                f"{field} is {written(end)}, expected a whole number. "
                "Round it, or write type: float.",
            )
        if abs(end) > largest:
            raise DomainError(
                field,
                f"{field} is {written(end)}, expected at most {largest} in size. "
                "Lower it, or write type: float.",
            )


def outside(value: object, description: str) -> ValueError:
    """The error for a value that is not in a domain."""
    return ValueError(f"{written(value)} is outside {description}. Give a value inside.")


def default_outside(default: object, description: str) -> DomainError:
    """The error for a default that is not in its domain."""
    return DomainError(
        "default",
        f"default is {written(default)}, outside {description}. Give one inside, or leave it out.",
    )
