"""Inputs that somebody could make to break the reader of sweep files: name → bytes of the file."""

from __future__ import annotations

from collections.abc import Callable

HEAD = "method: random\nmetric: {name: loss}\nparameters:\n"
MEGA = 1_000_000


def _laughs(levels: int, width: int) -> str:
    lines = ["a0: &a0 [" + ", ".join("1" * width) + "]"]
    lines += [f"a{i}: &a{i} [" + ", ".join([f"*a{i - 1}"] * width) + "]" for i in range(1, levels)]
    return "\n".join(lines)


def _merges() -> str:
    big = "big: &big {" + ", ".join(f"k{i}: 1" for i in range(20_000)) + "}\nnone: &none {}\n"
    return big + "all: {<<: [*big" + ", *none" * 70_000 + "]}\n"


def _conditional(parents: int) -> str:
    names = range(parents)
    asked = "".join(f"  a{i:03}: {{values: [0, 1]}}\n" for i in names)
    under = "".join(f"  b{i:03}: {{values: [0, 1], when: {{a{i:03}: 1}}}}\n" for i in names)
    return f"method: grid\nparameters:\n{asked}{under}"


def _chain(length: int) -> str:
    rest = "".join(f"  p{i:05}: {{values: [0, 1], when: {{p{i - 1:05}: 1}}}}\n" for i in range(1, length))
    return f"method: grid\nparameters:\n  p00000: {{values: [0, 1]}}\n{rest}"


def _nested(depth: int) -> str:
    return HEAD + "  a: " + "{parameters: {a: " * depth + "{value: 1}" + "}}" * depth


def _points(points: int, names: int) -> str:
    space = "".join(f"  a{i}: {{min: 0, max: 1.5}}\n" for i in range(names))
    point = "{" + ", ".join(f"a{i}: 1" for i in range(names)) + "}"
    return f"{HEAD}{space}hpo: {{search: {{points: [{', '.join([point] * points)}]}}}}\n"


def _one(parameter: str, method: str = "random", more: str = "") -> str:
    return f"method: {method}\nmetric: {{name: loss}}\nparameters: {{a: {parameter}}}\n{more}"


def _rule(text: str) -> str:
    return _one("{value: 1}", more=f"early_terminate: {text}\n")


def _own(text: str) -> str:
    return _one("{values: [1, 2]}", more=f"hpo: {text}\n")


HUGE = "1" + "0" * 400
TEXTS: dict[str, Callable[[], str]] = {
    "billion laughs": lambda: _laughs(30, 10),
    "laughs in pairs": lambda: _laughs(60, 2),
    "laughs by merges": lambda: (
        "a0: &a0 {k: 1}\n"
        + "".join(
            f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}], k{i}: *a{i - 1}}}\n" for i in range(1, 20)
        )
    ),
    "merges of a big mapping": _merges,
    "an anchor in itself": lambda: "a: &a [*a]\n",
    "an anchor in its own merge": lambda: "a: &a {<<: *a}\n",
    "one anchor 50,000 times": lambda: "a: &a 1\nb: [" + "*a," * 50_000 + "]",
    "10,000 [": lambda: "a: " + "[" * 10_000,
    "4,900 [": lambda: "a: " + "[" * 4_900,
    "4,900 [ closed": lambda: "a: " + "[" * 4_900 + "]" * 4_900,
    "10,000 {": lambda: "{a: " * 10_000,
    "a million [": lambda: "[" * MEGA,
    "50,000 dashes": lambda: "- " * 50_000,
    "10,000 ? keys": lambda: "? " * 10_000,
    "10,000 indents": lambda: "".join(" " * i + "a:\n" for i in range(1_000)),
    "nested parameters": lambda: _nested(45),
    "nested too deep": lambda: _nested(3_000),
    "1e400": lambda: _one("{min: 0, max: 1e400}"),
    "an int of 401 digits": lambda: _one(f"{{min: 0, max: {HUGE}}}"),
    "an int of 100,000 digits": lambda: _one("{value: " + "9" * 100_000 + "}"),
    "a hexadecimal of 100,000 digits": lambda: _one("{value: 0x" + "f" * 100_000 + "}"),
    "a hexadecimal bound": lambda: _one("{min: 0, max: 0x" + "f" * 5_000 + "}"),
    "a binary of a million digits": lambda: _one("{value: 0b" + "1" * MEGA + "}"),
    "base 60 of 50,000 digits": lambda: _one("{value: " + "1:" * 50_000 + "1}"),
    "a hexadecimal rule": lambda: _rule("{type: 0x" + "f" * 5_000 + "}"),
    "a hexadecimal key": lambda: _one("{0x" + "f" * 5_000 + ": 1}"),
    "run_cap of 10^30": lambda: _one("{values: [1]}", more="run_cap: 1" + "0" * 30),
    "run_cap of 10^400": lambda: _one("{values: [1]}", more=f"run_cap: {HUGE}"),
    "a grid of 10^40 cells": lambda: (
        "method: grid\nparameters:\n" + "".join(f"  a{i}: {{min: 1, max: 10000000000}}\n" for i in range(4))
    ),
    "a grid beyond 64 bits": lambda: _one("{min: 0, max: 100000000000000000000}", "grid"),
    "a grid of a tiny q": lambda: _one("{distribution: q_uniform, min: 0, max: 1, q: 1.0e-12}", "grid"),
    "a grid of the tiniest q": lambda: _one(
        "{distribution: q_uniform, min: 0, max: 1e300, q: 5e-324}", "grid"
    ),
    "a grid whose q is lost": lambda: _one("{distribution: q_uniform, min: 1e20, max: 2e20, q: 1}", "grid"),
    "a condition on 10^9 cells": lambda: (
        "method: grid\nparameters:\n  a: {min: 0, max: 1000000000}\n  b: {values: [1, 2], when: {a: 5}}\n"
    ),
    "a condition beyond 64 bits": lambda: (
        "method: grid\nparameters:\n  a: {min: 0, max: 1" + "0" * 30 + "}\n"
        "  b: {values: [1, 2], when: {a: 5}}\n"
    ),
    "40 conditions": lambda: _conditional(40),
    "a chain of 3,000 conditions": lambda: _chain(3_000),
    "conditions on all others": lambda: (
        "method: grid\nparameters:\n"
        + "".join(
            f"  p{i:03}: {{values: [0, 1], when: {{" + ", ".join(f"p{j:03}: 1" for j in range(i)) + "}}\n"
            if i
            else "  p000: {values: [0, 1]}\n"
            for i in range(150)
        )
    ),
    "conditions that go round": lambda: (
        HEAD
        + "".join(f"  p{i:04}: {{values: [0, 1], when: {{p{(i + 1) % 3000:04}: 1}}}}\n" for i in range(3_000))
    ),
    "5,000 unknown conditions": lambda: (
        HEAD + "".join(f"  p{i:05}: {{values: [0, 1], when: {{q{i:05}: 1}}}}\n" for i in range(5_000))
    ),
    "uniform over all floats": lambda: _one("{min: -1e300, max: 1.0e300}"),
    "uniform of one float": lambda: _one("{min: 0.0, max: 5e-324}"),
    "uniform by decades": lambda: _one("{min: 5e-324, max: 1.0e300}"),
    "exponents up to 700": lambda: _one("{distribution: log_uniform, min: 0, max: 700}"),
    "exponents from -700": lambda: _one("{distribution: log_uniform, min: -700, max: 700}"),
    "inverse exponents": lambda: _one("{distribution: inv_log_uniform, min: 1, max: 701}"),
    "q_log_uniform of a tiny q": lambda: _one("{distribution: q_log_uniform, min: 0, max: 700, q: 1e-300}"),
    "q_uniform of a tiny q": lambda: _one("{distribution: q_uniform, min: 0, max: 1e300, q: 1e-300}"),
    "q_normal of a tiny q": lambda: _one("{distribution: q_normal, mu: 1e300, sigma: 1e300, q: 5e-324}"),
    "q_normal of a huge q": lambda: _one("{distribution: q_normal, sigma: 1e300, q: 1" + "0" * 299 + "}"),
    "q_log_normal of a tiny q": lambda: _one(
        "{distribution: q_log_normal, mu: 700, sigma: 1e300, q: 1e-300}"
    ),
    "log_normal far out": lambda: _one("{distribution: log_normal, mu: -1e300, sigma: 1e300}"),
    "beta of extremes": lambda: _one("{distribution: beta, a: 1e300, b: 1e-300}"),
    "q_beta of extremes": lambda: _one("{distribution: q_beta, a: 5e-324, b: 1e300, q: 5e-324}"),
    "qmc of a negative seed": lambda: _one("{min: 0, max: 1.5}", "qmc", "hpo: {seed: -1}\n"),
    "qmc of a huge seed": lambda: _one("{min: 0, max: 1.5}", "qmc", "hpo: {seed: 1" + "0" * 100 + "}\n"),
    "qmc of 1,000 parameters": lambda: (
        "method: qmc\nparameters:\n" + "".join(f"  a{i}: {{min: 0, max: 1}}\n" for i in range(20_000))
    ),
    "probabilities of extremes": lambda: _one("{values: [1, 2], probabilities: [1" + "0" * 299 + ", 1e308]}"),
    "probabilities that are huge": lambda: _one(f"{{values: [1, 2], probabilities: [{HUGE}, 0.5]}}"),
    "probabilities of nothing": lambda: _one("{values: [1, 2], probabilities: [.nan, .inf]}"),
    "eta next to 1": lambda: _rule("{type: hyperband_sync, max_iter: 1e300, eta: 1.0000000001}"),
    "brackets by eta": lambda: _rule("{type: async_hyperband, max_iter: 1000000000, eta: 1.001}"),
    "hyperband of a small eta": lambda: _rule(
        "{type: hyperband, max_iter: 1e300, s: 1e300, eta: 1.0000000001}"
    ),
    "asha of extremes": lambda: _rule("{type: asha, min_iter: 1e300, max_iter: 1e300, eta: 1e300}"),
    "bohb of extremes": lambda: _rule("{type: bohb, max_iter: 1e300, eta: 1e299}"),
    "median of extremes": lambda: _rule("{type: median, min_iter: 1e300, min_samples: 1e300}"),
    "pbt of extremes": lambda: _rule(
        "{type: pbt, interval: 1e300, mutate: {a: {factors: [1e308], resample: 1}}}"
    ),
    "pbt of a huge factor": lambda: _rule(
        f"{{type: pbt, interval: 1, mutate: {{a: {{factors: [{HUGE}]}}}}}}"
    ),
    "pbt of 20,000 unknown names": lambda: _rule(
        "{type: pbt, interval: 1, mutate: [" + ", ".join(f"n{i}" for i in range(20_000)) + "]}"
    ),
    "memory of 400 digits": lambda: _own("{resources: {memory: " + "9" * 400 + "G}}"),
    "a time of 400 digits": lambda: _own("{time_budget: '" + "9" * 400 + ":00:00'}"),
    "a time of 5,000 digits": lambda: _own("{time_budget: '" + "9" * 5_000 + "d'}"),
    "endless times": lambda: _own("{time_budget: .inf, kill_grace: .nan}"),
    "a method that is a list": lambda: _one("{value: 1}", "[grid]"),
    "a method that is a mapping": lambda: _one("{value: 1}", "{grid: 1}"),
    "a type that is a list": lambda: _rule("{type: [hyperband]}"),
    "metrics of all kinds": lambda: "method: nsga2\nmetrics: [1, [2], {name: [3]}, {name: {a: 1}}, null]\n",
    "15,000 wrong metrics": lambda: (
        "method: nsga2\nmetrics: [" + "{goal: x}, " * 15_000 + "]\nparameters: {}\n"
    ),
    "a program of 5,000 letters": lambda: _one("{value: 1}", more="program: " + "p" * 5_000 + ".py\n"),
    "a program with NUL": lambda: _one("{value: 1}", more='program: "a\\0b.py"\n'),
    "a class with a long name": lambda: _one("{value: 1}", more="program: " + "m" * 5_000 + ":C\n"),
    "a setup with a long name": lambda: (
        _own("{setup: " + "m" * 5_000 + ":f}") + "program: " + "q" * 5_000 + ".py\n"
    ),
    "a setup beside NUL": lambda: _own("{setup: 'm:f'}") + 'program: "a\\0.py"\n',
    "a searcher with a long name": lambda: _one("{value: 1}", "m" * 5_000 + ":S"),
    "a rule with a long name": lambda: _rule("{type: '" + "m" * 5_000 + ":S'}"),
    "a module of many dots": lambda: _rule("{type: '" + "m." * 50_000 + "m:S'}"),
    "a command of everything": lambda: _one(
        "{value: 1}", more='command: [1, null, [2], {3: 4}, "\\0", "${envvar:}", "${${args}}", .nan]\n'
    ),
    "escapes for the terminal": lambda: _one(
        '{value: "\\e[31mred\\e]0;title\\a"}', more='"\\e[2J": 1\nname: "\\e[2J"\n'
    ).replace("{a:", '{"\\e[2Ja\\nb":'),
    "right to left": lambda: _one("{value: 1}").replace("{a:", '{"\\u202ea\\u0301\\u200b":'),
    "lone surrogates": lambda: _one('{value: "\\ud800"}'),
    "newlines of Unicode": lambda: "a: 1\u2028b: 2\u0085c: [\u2029",
    "a name of a million letters": lambda: HEAD + "  " + "n" * MEGA + ": {values: [1, 2]}\n",
    "a quoted name of a million letters": lambda: HEAD + '  "' + "n" * MEGA + '": {values: [1, 2]}\n',
    "a wrong value of a million letters": lambda: (
        HEAD + "  a: {min: " + "n" * MEGA + ", max: " + "x" * 100 + "}\n"
    ),
    "a method of a million letters": lambda: _one("{value: 1}", "m" * MEGA),
    "a goal of a million letters": lambda: _one("{value: 1}").replace(
        "name: loss", "name: loss, goal: " + "g" * MEGA
    ),
    "49,000 values": lambda: _one("{values: [" + "0.5, " * 49_000 + "]}", "grid"),
    "40,000 quoted numbers": lambda: _one("{values: [" + "'1e5', " * 40_000 + "]}"),
    "30,000 None": lambda: _one("{values: [" + "None, " * 30_000 + "]}"),
    "20,000 lists": lambda: _one("{values: [" + "[1], " * 20_000 + "]}", "grid"),
    "200,000 values": lambda: _one("{values: [" + "1," * 200_000 + "]}"),
    "8,000 parameters": lambda: HEAD + "".join(f"  a{i}: {{min: 0, max: 1.5}}\n" for i in range(8_000)),
    "8,000 wrong parameters": lambda: HEAD + "".join(f"  a{i}: {{mn: 0, mx: 1}}\n" for i in range(8_000)),
    "8,000 empty parameters": lambda: HEAD + "".join(f"  a{i}:\n  min: 1\n" for i in range(8_000)),
    "20,000 lists as parameters": lambda: HEAD + "".join(f"  a{i}: [1]\n" for i in range(8_000)),
    "20,000 unknown keys": lambda: _one("{value: 1}") + "".join(f"metrc{i}: 1\n" for i in range(20_000)),
    "20,000 repeated keys": lambda: _one("{value: 1}") + "x: 1\n" * 20_000,
    "20,000 unknown settings": lambda: _own("{" + ", ".join(f"sed{i}: 1" for i in range(20_000)) + "}"),
    "30,000 unknown macros": lambda: _one("{value: 1}", more="command: [" + "'${arg}', " * 30_000 + "]\n"),
    "points by names": lambda: _points(40, 450),
    "points of 2,500 names": lambda: _points(4, 2_500),
    "a point of unknown names": lambda: (
        _points(1, 3_000).replace("points: [{a", "points: [{b0: 1, a").replace(", a", ", b")
    ),
    "points in 9,000 values": lambda: (
        _one("{values: [" + ", ".join(map(str, range(9_000))) + "]}")
        + "hpo: {search: {points: ["
        + "{a: 8999}, " * 9_000
        + "]}}\n"
    ),
    "100,000 %TAG lines": lambda: "".join(f"%TAG !a{i}! x\n" for i in range(100_000)) + "---\na: 1\n",
    "a comment of a megabyte": lambda: "# " + "x" * MEGA,
    "a million blank lines": lambda: "\n" * MEGA + _one("{value: 1}"),
    "a tag of Python": lambda: _one("!!python/object/apply:os.system [ls]"),
    "a set and a date": lambda: _one("{values: [2020-13-45, !!timestamp 2020-13-45, !!set {a}]}"),
    "tags on the wrong kinds": lambda: _one("{values: [!!map [1], !!seq {a: 1}, !!float 1:2:x]}"),
    "10 MB on one line": lambda: "method: " + "x" * 10 * MEGA,
    "10 MB of values": lambda: HEAD + "  a: {values: [" + "1, " * (10 * MEGA // 3) + "]}\n",
    "10 MB of lines": lambda: HEAD + "  a: {value: 1}\n" * (10 * MEGA // 16),
    "100,000 parameters": lambda: HEAD + "".join(f"  a{i}: {{min: 0, max: 1}}\n" for i in range(100_000)),
    "nothing": str,
    "a comment alone": lambda: "# nothing\n",
    "two documents": lambda: "a: 1\n---\nb: 2\n",
    "a directive alone": lambda: "%YAML 9.9\n---\n",
}
BYTES: dict[str, Callable[[], bytes]] = {
    "binary": lambda: bytes(range(256)) * 40,
    "zeros": lambda: bytes(MEGA),
    "UTF-16": lambda: _one("{value: 1}").encode("utf-16"),
    "UTF-16 without a mark": lambda: _one("{value: 1}").encode("utf-16-le"),
    "UTF-32": lambda: _one("{value: 1}").encode("utf-32"),
    "encoded surrogates": lambda: b"a: \xed\xa0\x80\n",
    "marks of byte order": lambda: b"\xef\xbb\xbf" * 3 + _one("{value: 1}").encode(),
    "a cut character": lambda: b"a: \xf0\x9f\x98",
    "gzip": lambda: b"\x1f\x8b\x08\x00" + bytes(range(255, 0, -1)) * 10,
}


def _encoded(make: Callable[[], str]) -> Callable[[], bytes]:
    return lambda: make().encode()


EXTREMES: dict[str, Callable[[], bytes]] = {
    **{name: _encoded(make) for name, make in TEXTS.items()},
    **BYTES,
}
"""Name → what makes the bytes."""
