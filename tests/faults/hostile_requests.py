"""Hostile sweep files: texts, names and numbers. Each case has a name that says what it is."""

import math

GOOD = b"name: first\nproblem: burgers1d\n"
KEYS = {"name": "first", "problem": "burgers1d", "space": {"use": []}}  # read in no time


def _bomb(levels=30):
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{k}: &a{k} [*a{k - 1}, *a{k - 1}]" for k in range(1, levels)]
    return "\n".join(lines).encode()


def _python(tag, value="[touch ran]"):
    return GOOD + f"storage: !!python/{tag} {value}\n".encode()


TEXTS = {  # name -> content, what the refusal says
    "tag object/apply": (_python("object/apply:os.system"), "tags are not read"),
    "tag object/new": (_python("object/new:os.system"), "tags are not read"),
    "tag object": (_python("object:tests.Evil", "{}"), "tags are not read"),
    "tag name": (_python("name:os.system", "''"), "tags are not read"),
    "tag module": (_python("module:os", "''"), "tags are not read"),
    "tag tuple": (_python("tuple", "[1]"), "tags are not read"),
    "tag bytes": (_python("bytes", "YQ=="), "tags are not read"),
    "tag complex": (_python("complex", "1j"), "tags are not read"),
    "tag long": (_python("long", "1"), "tags are not read"),
    "tag str": (GOOD + b"seed: !!str 1\n", "tags are not read"),
    "tag binary": (GOOD + b"storage: !!binary eA==\n", "tags are not read"),
    "tag set": (GOOD + b"storage: !!set {a}\n", "tags are not read"),
    "tag unknown": (GOOD + b"storage: !mine 1\n", "tags are not read"),
    "tag of the whole": (b"!!python/object/apply:os.system [touch ran]", "tags are not read"),
    "tag of a key": (b"? !!python/object/apply:os.system [touch ran]\n: 1", "tags are not read"),
    "tag directive": (b"%TAG ! tag:yaml.org,2002:python/\n---\nname: !name:os.system", "tags"),
    "alias bomb": (_bomb(), "anchors and aliases are not read"),
    "alias of itself": (b"name: &a [*a]", "anchors and aliases are not read"),
    "alias of its own mapping": (b"&a {space: *a}", "anchors and aliases are not read"),
    "alias of nothing": (b"name: *nothing", "anchors and aliases are not read"),
    "merge key": (b"base: &b {name: a}\n<<: *b", "anchors and aliases are not read"),
    "merge key without an alias": (GOOD + b"<<: {seed: 1}\n", "<<: unknown key"),
    "10,000 lists, flow": (b"name: " + b"[" * 10_000 + b"]" * 10_000, "nested deeper"),
    "10,000 lists, not closed": (b"[" * 10_000, "nested deeper"),
    "10,000 mappings, flow": (b"{a: " * 10_000 + b"}" * 10_000, "nested deeper"),
    "10,000 lists, block": (b"- " * 10_000 + b"a", "nested deeper"),
    "700 mappings, block": (
        b"".join(b" " * k + b"a:\n" for k in range(700)) + b" " * 700 + b"b: 1",
        "nested deeper",
    ),
    "10,000 keys in questions": (b"? " * 10_000 + b"a", "nested deeper"),
    "18 levels": (GOOD + b"space: " + b"{a: " * 18 + b"1" + b"}" * 18, "nested deeper"),
    "10 MB of a comment": (GOOD + b"#" * 10**7, "more than 1000000 bytes"),
    "10 MB of values": (GOOD + b"space: [" + b"1," * 5 * 10**6 + b"]", "more than 1000000 bytes"),
    "1 MB of values": (GOOD + b"objectives: [" + b"a," * 450_000 + b"]", "more than 10000 values"),
    "a text of 900,000 characters": (GOOD + b"storage: " + b"x" * 900_000, "900000 characters"),
    "a key of 900,000 characters": (GOOD + b"? " + b"x" * 900_000 + b"\n: 1", "900000 characters"),
    "a key of 2,000 characters": (GOOD + b"x" * 900 + b": 1\n", "unknown key"),
    "5,000 unknown keys": (
        GOOD + b"".join(b"key%d: 1\n" % k for k in range(3900)),
        "and 3880 more",
    ),
    "duplicate key": (GOOD + b"seed: 1\nseed: 2\n", "key `seed` is there twice"),
    "duplicate key, the same value": (GOOD + b"name: first\n", "key `name` is there twice"),
    "duplicate key, quoted": (GOOD + b'"name": second\n', "key `name` is there twice"),
    "duplicate key, nested": (GOOD + b"budget: {trials: 1, trials: 2}", "key `trials` is there"),
    "duplicate key, deep": (
        GOOD + b"space: {set: {width: {low: 1, high: 2, low: 3}}}",
        "key `low` is there twice",
    ),
    "NUL": (GOOD + b"storage: a\x00b\n", "control character U+0000"),
    "NUL alone": (b"\x00", "control character U+0000"),
    "escape": (GOOD + b"storage: \x1b[2J\n", "control character U+001B"),
    "escape, escaped": (GOOD + b'storage: "\\e[2J"\n', "control character U+001B"),
    "NUL, escaped": (GOOD + b'storage: "a\\0b"\n', "control character U+0000"),
    "bell in a key": (GOOD + b"a\x07b: 1\n", "control character U+0007"),
    "C1 control": (GOOD + "storage: a\x9bb\n".encode(), "control character U+009B"),
    "noncharacter": (GOOD + "storage: \uffff\n".encode(), "control character U+FFFF"),
    "lone surrogate, escaped": (GOOD + b'storage: "\\ud800"\n', "control character U+D800"),
    "an escape beyond Unicode": (GOOD + b'storage: "\\UFFFFFFFF"\n', "Check the escapes"),
    "UTF-16 with a mark": (GOOD.decode().encode("utf-16"), "not UTF-8"),
    "UTF-16 without a mark": (GOOD.decode().encode("utf-16-le"), "control character U+0000"),
    "UTF-32": (GOOD.decode().encode("utf-32"), "not UTF-8"),
    "Latin-1": (GOOD + "storage: é\n".encode("latin-1"), "not UTF-8"),
    "invalid UTF-8": (GOOD + b"storage: \xff\xfe\n", "not UTF-8"),
    "overlong UTF-8": (GOOD + b"storage: \xc0\xaf\n", "not UTF-8"),
    "lone surrogate in UTF-8": (GOOD + b"storage: \xed\xa0\x80\n", "not UTF-8"),
    "half of a character": (GOOD + b"storage: \xe2\x82", "not UTF-8"),
    "several documents": (GOOD + b"---\n" + GOOD, "a second document begins"),
    "empty file": (b"", "found nothing"),
    "only a comment": (b"# name: first\n", "found nothing"),
    "only a mark": (b"\xef\xbb\xbf", "found nothing"),
    "binary": (bytes(range(256)) * 20, "not UTF-8"),
    "an ELF file": (b"\x7fELF\x02\x01\x01" + bytes(100), "control character"),
    "a list": (b"- name: first\n", "found list"),
    "a number": (b"42", "found int"),
    "a text": (b"just text", "found str"),
    "true": (b"true", "found bool"),
    "a tab as indentation": (GOOD + b"budget:\n\ttrials: 3\n", "Indent with spaces"),
    "an open bracket": (GOOD + b"space: [", "Check the indentation"),
    "an open quote": (GOOD + b"storage: 'a", "Check the indentation"),
    "a list as a key": (GOOD + b"? [a]\n: 1\n", "key a collection is no text"),
    "a number as a key": (GOOD + b"1: 2\n", "key `1` is no text"),
    "null as a key": (GOOD + b"~: 2\n", "is no text"),
    "JSON with a comma too many": (b'{"name": "first",, "problem": "x"}', "Check the indentation"),
    "XML": (
        b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>",
        "found str",
    ),
    "a template": (GOOD + b"storage: {{ config.__class__ }}\n", "line 3"),
    "a timestamp as the name": (
        b"name: 2024-01-01T00:00:00Z\nproblem: burgers1d",
        "2024-01-01T00",
    ),
    "a truth as the name": (b"name: true\nproblem: burgers1d", "name: expected text"),
    "a number as the name": (b"name: 0o17\nproblem: burgers1d", "name: expected text"),
    "nothing as the name": (b"name:\nproblem: burgers1d", "name: expected text, found nothing"),
    "a timestamp as a number": (GOOD + b"seed: 2024-01-01\n", "seed: expected a whole number"),
    "sexagesimals as a number": (GOOD + b"seed: 1:30\n", "seed: expected a whole number"),
    "underscores in a number": (GOOD + b"seed: 1_000\n", "seed: expected a whole number"),
    "yes as a number": (GOOD + b"seed: yes\n", "seed: expected a whole number"),
    "a number of 5,000 digits": (GOOD + b"seed: " + b"9" * 5000, "too large a number"),
    "a hexadecimal of 5,000 digits": (GOOD + b"seed: 0x" + b"f" * 5000, "is too large"),
    "a number of 400 digits": (GOOD + b"seed: 1" + b"0" * 400, "is too large"),
    "a float beyond all": (GOOD + b"budget: {seconds: 1e400}", "too large a number"),
    "problem and trainable": (GOOD + b"trainable: os:system\n", "trainable: given as well"),
}

ABSURD_SPACES = {  # name -> what is written under `set`, what the refusal says
    "a choice of a million": ({"q": {"choice": range(10**6)}}, "1000000 values, expected 8000"),
    "a choice of 5,000": ({"q": {"choice": [*range(5000)]}}, "has 5000 options"),
    "10,000 parameters": ({f"p{k}": {"low": 0, "high": 1} for k in range(10_000)}, "10000 values"),
    "2,000 parameters": ({f"p{k}": {"low": 0, "high": 1} for k in range(2000)}, "8000 values"),
    "ends upside down": ({"q": {"low": 2, "high": 1}}, "q.low: low is 2, above high, 1"),
    "no range": ({"q": {"low": 1, "high": 1}}, "low and high are both 1"),
    "negative zero to zero": ({"q": {"low": -0.0, "high": 0.0}}, "low and high are both"),
    "not a number": ({"q": {"low": math.nan, "high": 1}}, "q.low: nan is no value"),
    "to infinity": ({"q": {"low": 0.5, "high": math.inf}}, "q.high: inf is no value"),
    "from minus infinity": ({"q": {"low": -math.inf, "high": 1}}, "q.low: -inf is no value"),
    "to 10**400": ({"q": {"low": 0.5, "high": 10**400}}, "of some 401 digits is too large"),
    "to 10**5000": ({"q": {"low": 1, "high": 10**5000}}, "of some 5001 digits is too large"),
    "to 10**18, whole": ({"q": {"low": 1, "high": 10**18}}, "q.high: high is 1000000000000000000"),
    "further than any number": ({"q": {"low": -1.7e308, "high": 1.7e308}}, "Lower it"),
    "truths as ends": ({"q": {"low": False, "high": True}}, "false is no finite number"),
    "texts as ends": ({"q": {"low": "1", "high": "2"}}, "Remove the quotes"),
    "a list as an end": ({"q": {"low": [1], "high": 2}}, "q.low: a list is no value"),
    "log from 0": ({"q": {"low": 0, "high": 1, "scale": "log"}}, "a log range lies above 0"),
    "a choice of nothing": ({"q": {"choice": []}}, "choice is empty"),
    "a choice of one twice": ({"q": {"choice": [1, 1.0]}}, "is there twice"),
    "a choice of NaN": ({"q": {"choice": [math.nan]}}, "nan is no value"),
    "a choice of lists": ({"q": {"choice": [[1], [2]]}}, "a list is no value"),
    "a default outside": ({"q": {"low": 0, "high": 1, "default": 2}}, "q.default: default is 2"),
    "a value of 10**400": ({"learning_rate": 10**400}, "of some 401 digits is too large"),
    "nothing": ({"q": None}, "q: null is no value"),
    "a condition on itself": ({"q": {"low": 0, "high": 1, "when": {"q": 1}}}, "circular"),
    "a bound of 10**400": (
        {"q": {"low": 0, "high": 1, "when": {"depth": {"at_least": 10**400}}}},
        "is too large",
    ),
}

NAMES = {
    "traversal": "../first",
    "traversal inside": "a/../../first",
    "absolute": "/tmp/first",
    "home": "~root",
    "backslashes": "..\\first",
    "a drive": "c:\\first",
    "CRLF": "first\r\nsecond",
    "NUL": "first\x00",
    "emoji": "🙂",
    "right to left": "a\u202eb",
    "no width": "a\u200bb",
    "CON": "CON",
    "con": "con",
    "nul.txt": "nul.txt",
    "com1": "com1",
    "dot": ".",
    "two dots": "..",
    "starts with a dot": ".first",
    "ends with a dot": "first.",
    "-rf": "-rf",
    "--storage": "--storage",
    "300 characters": "x" * 300,
    "65 characters": "x" * 65,
    "empty": "",
    "blank": " ",
    "blanks around": " first ",
    "a command": "$(touch ran)",
    "backticks": "`touch ran`",
    "a second command": "; rm -rf .",
    "a pipe": "a|touch ran",
    "percent": "%s%n",
    "braces": "{0.__class__}",
    "homoglyph": "fіrst",  # the second letter is Cyrillic
    "full width": "ｆｉｒｓｔ",
    "escape": "\x1b[2Jfirst",
    "a lone surrogate": "a\ud800",
    "HTML": "<script>alert(1)</script>",
    "SQL": "'; DROP TABLE runs;--",
}

SETTINGS = {  # places of a sweep that take a name -> the keys that put one there
    "name": lambda name: {"name": name},
    "parameter": lambda name: {"space": {"use": [], "set": {name: {"low": 0, "high": 1}}}},
    "option": lambda name: {
        "space": {"use": [], "set": {"q": {"choice": {name: {"k": 1}, "b": None}}}}
    },
    "space": lambda name: {"space": {"use": [name]}},
    "condition": lambda name: {
        "space": {"use": [], "set": {"q": {"low": 0, "high": 1, "when": {name: 1}}}},
    },
    "objective": lambda name: {"objectives": ["error", name]},
    "requirement": lambda name: {"require": {name: {"at_most": 1}}},
    "searcher": lambda name: {"searcher": name},
    "scheduler": lambda name: {"scheduler": name},
    "key": lambda name: {name: 1},
}

HARMLESS = {  # nothing of these becomes a file or a word of a shell
    ("parameter", "CON"), ("parameter", "con"), ("parameter", "com1"), ("parameter", "65 characters"),
    ("parameter", "nul.txt"),
    ("option", "CON"), ("option", "con"), ("option", "com1"), ("option", "65 characters"),
    ("objective", "CON"), ("objective", "con"), ("objective", "com1"),
    ("objective", "65 characters"), ("objective", "nul.txt"), ("objective", "traversal inside"),
    ("requirement", "CON"), ("requirement", "con"), ("requirement", "com1"),
    ("requirement", "65 characters"), ("requirement", "nul.txt"),
    ("requirement", "traversal inside"),
}  # fmt: skip

WHOLE = (
    "budget.trials", "budget.epochs", "replicates", "first_replicates", "seed", "confirm",
    "patience", "concurrency", "retries", "give_up_after",
)  # fmt: skip
REAL = (
    "budget.seconds", "budget.trial_seconds", "resources.cpu", "resources.gpu",
    "resources.memory", "epoch_seconds", "checkpoint_seconds",
)  # fmt: skip
FROM_ZERO = {"seed", "confirm", "retries", "resources.gpu", "checkpoint_seconds"}

NUMBERS = {  # no field takes these
    "NaN": math.nan,
    "infinity": math.inf,
    "minus infinity": -math.inf,
    "10**12": 10**12,
    "10**400": 10**400,
    "10**5000": 10**5000,
    "negative": -1,
    "text": "81",
    "true": True,
    "a list": [1],
    "a mapping": {"a": 1},
}
NO_WHOLE = {"81.0": 81.0, "2.5": 2.5, "1e300": 1e300, "negative zero": -0.0}

PATHS = {  # of a problem or a function -> what the refusal says
    "os:system": "os:system",
    "builtins:eval": "builtins:eval",
    "builtins:exec": "builtins:exec",
    "builtins:__import__": "builtins:__import__",
    "subprocess:Popen": "subprocess:Popen",
    "pickle:loads": "pickle:loads",
    "builtins:int": "builtins:int",
    "math:pi": "math:pi",
    "../x:y": "is no path",
    "..x:y": "is no path",
    "/etc/passwd:x": "is no path",
    "a b:c": "is no path",
    "os:": "is no path",
    ":system": "is no path",
    ":": "is no path",
    "os:path:join": "is no path",
    "os:system('touch ran')": "is no path",
    "os:path.join": "is no path",
    "http://example.org/x": "is no path",
    "nowhere_at_all:x": "No module named",
    "os.nowhere:x": "nowhere",
    "os:nowhere": "nowhere",
    "x" * 300: "x" * 20,
    "x" * 300 + ":y": "is no path",
    "planted_raises:x": "ZeroDivisionError: planted",
    "planted_exits:x": "SystemExit: 0",
    "planted_recurses:x": "RecursionError",
    "planted_syntax:x": "SyntaxError",
    "planted_null:x": "planted_null",
    "planted_lies:x": "planted_lies:x",
}

MODULES = {
    "planted_raises": b"raise ZeroDivisionError('planted')",
    "planted_exits": b"import sys\nsys.exit(0)",
    "planted_recurses": b"def f(): f()\nf()",
    "planted_syntax": b"def f(:\n",
    "planted_null": b"x = '\x00'\n",
    "planted_lies": b"class Meta(type):\n    def __call__(cls, *a): raise SystemExit(7)\n"
    b"class x(metaclass=Meta): pass\n",
}
