"""YAML: what is read, and what is refused at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import YamlError, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        ("-.5e+3", -500.0),
        ("+1.", 1.0),
        ("12", 12),
        ("-12", -12),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("# nothing", None),
        ("yes", "yes"),
        ("No", "No"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"),
        (".nan", ".nan"),
        (".inf", ".inf"),
        ("-.inf", "-.inf"),
        ("nan", "nan"),
        ("0b11", "0b11"),
        ("=", "="),
        ("'1'", "1"),
        ('"true"', "true"),
        ('"\\u00e9"', "é"),
        ("|\n  1\n", "1\n"),
    ],
)
def test_a_scalar_is_what_yaml_1_2_says(text, value):
    found = read_yaml(text)
    assert (found, type(found)) == (value, type(value))


def test_collections_are_plain_and_keep_their_order():
    text = "b: {x: [1, two, 3.5]}\na:\n  - on: off\n  - []\n<<: {c: 1}\n"
    found = read_yaml(text)
    assert found == {"b": {"x": [1, "two", 3.5]}, "a": [{"on": "off"}, []], "<<": {"c": 1}}
    assert list(found) == ["b", "a", "<<"]


def test_bytes_are_utf_8_with_or_without_a_byte_order_mark():
    assert read_yaml("a: é".encode()) == read_yaml("a: é".encode("utf-8-sig")) == {"a": "é"}


def test_twenty_levels_are_read():
    data, depth = read_yaml("[" * 20 + "]" * 20), 1
    while data:
        (data,), depth = data, depth + 1
    assert depth == 20


BOMB = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [*{before}, *{before}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

REFUSED = {
    "alias bomb": (BOMB, 1, 4, "Write the value out"),
    "anchor": ("a: &x 1", 1, 4, "anchors and aliases are not read"),
    "alias": ("a: *x", 1, 4, "anchors and aliases are not read"),
    "anchored key": ("&x a: 1", 1, 1, "anchors and aliases are not read"),
    "recursive alias": ("&x [*x]", 1, 1, "anchors and aliases are not read"),
    "merge": ("a: {b: 1}\nc:\n  <<: *b", 3, 7, "anchors and aliases are not read"),
    "object": ("!!python/object/apply:os.system [ls]", 1, 1, "tags are not read. Remove it."),
    "own tag": ("a: !thing 1", 1, 4, "tags are not read. Remove it."),
    "harmless tag": ("a: !!str 1", 1, 4, "tags are not read. Remove it."),
    "bare tag": ("a: ! 1", 1, 4, "tags are not read. Remove it."),
    "tagged map": ("!!set {a, b}", 1, 1, "tags are not read. Remove it."),
    "tag of broken bytes": ("!<%ff> a", 1, 3, "Check the"),
    "duplicate": ("a: 1\nb: 2\na: 3", 3, 1, "first in line 1. Remove one of them."),
    "duplicate in quotes": ("{a: 1, 'a': 2}", 1, 8, "first in line 1. Remove one of them."),
    "10 MB": ("a" * 10_000_000, 1, 1, "Shorten the file."),
    "10 MB of bytes": (b"a" * 10_000_000, 1, 1, "Shorten the file."),
    "1 MB of two bytes each": ("é" * 600_000, 1, 1, "Shorten the file."),
    "many values": ("[" + "1," * 400_000 + "]", 1, 20_000, "more than 10000 values"),
    "many keys": ("k: 1\n" * 100_000, 5_000, 4, "more than 10000 values"),
    "21 brackets": ("[" * 21 + "]" * 21, 1, 21, "Flatten it."),
    "100k brackets": ("[" * 100_000, 1, 21, "Flatten it."),
    "100k braces": ("{a: " * 100_000, 1, 81, "Flatten it."),
    "100k dashes": ("- " * 100_000, 1, 41, "Flatten it."),
    "100k question marks": ("? " * 100_000, 1, 41, "Flatten it."),
    "a staircase": ("\n".join(" " * k + "a:" for k in range(999)), 21, 21, "Flatten it."),
    "not UTF-8": (b"a: 1\nb: \xe9", 2, 4, "Save the file as UTF-8."),
    "UTF-16": ("a: 1".encode("utf-16"), 1, 1, "Save the file as UTF-8."),
    "NUL": ("a: 1\nb\0: 1", 2, 2, "control character U+0000. Remove it."),
    "escape character": ("a: \x1b[31m", 1, 4, "control character U+001B. Remove it."),
    "lone surrogate": ("a: \ud800", 1, 4, "control character U+D800. Remove it."),
    "escaped NUL": ('a: "\\0"', 1, 4, "control character U+0000. Remove it."),
    "escaped surrogate": ('"\\uD800"', 1, 1, "control character U+D800. Remove it."),
    "escape beyond Unicode": ('"\\UFFFFFFFF"', 1, 4, "Check the escapes"),
    "escape just beyond Unicode": ('"\\U00110000"', 1, 4, "Check the escapes"),
    "two documents": ("a: 1\n---\nb: 2", 2, 1, "Keep one, and remove the line `---`."),
    "number as key": ("{1: a}", 1, 2, "key `1` is no text, expected a name. Put it in quotes"),
    "float as key": ("1e3: a", 1, 1, "key `1e3` is no text"),
    "boolean as key": ("true: a", 1, 1, "key `true` is no text"),
    "null as key": ("~: a", 1, 1, "key `~` is no text"),
    "list as key": ("? [a]\n: b", 1, 3, "key a collection is no text"),
    "endless integer": ("a: " + "9" * 5_000, 1, 4, "too large a number. Write a smaller one."),
    "endless float": ("a: 1e999", 1, 4, "too large a number. Write a smaller one."),
    "tab": ("a:\n\tb: 1", 2, 1, "Indent with spaces."),
    "open bracket": ("a: [1, 2", 1, 9, "Check the indentation, colons, brackets and quotes"),
    "open quote": ("a: 'x", 1, 6, "Check the indentation, colons, brackets and quotes"),
    "two colons": ("a: b: c", 1, 5, "Check the indentation, colons, brackets and quotes"),
    "many colons": (":" * 300_000, 1, 300_000, "Check the indentation"),
    "YAML 2": ("%YAML 2.0\n---\na", 1, 1, "Check the"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_settings_file_is_refused_with_its_place(case):
    text, line, column, advice = REFUSED[case]
    with pytest.raises(YamlError) as refused:
        read_yaml(text)
    assert advice in str(refused.value)
    assert (refused.value.line, refused.value.column) == (line, column)
    assert len(str(refused.value)) < 400
    assert "\n" not in str(refused.value)


def is_plain(data: object) -> bool:
    if isinstance(data, dict):
        return all(type(k) is str and is_plain(v) for k, v in data.items())
    if isinstance(data, list):
        return all(map(is_plain, data))
    return data is None or type(data) in {str, int, float, bool}


@given(
    st.text(alphabet="ab1.0e-+:,[]{}'\"\\!&*%?|>#~ \n\t\0é", max_size=60) | st.binary(max_size=60)
)
def test_any_text_is_plain_data_or_refused(text):
    try:
        data = read_yaml(text)
    except YamlError:
        return
    assert is_plain(data)
