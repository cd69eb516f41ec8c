"""Sweeps that are nearly valid, and valid texts with a few bytes changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from hpo.space.distributions import DISTRIBUTIONS
from hpo.sweepfile.early import RULES
from hpo.sweepfile.model import HpoSettings, Metric, Sweep
from hpo.sweepfile.search import METHODS, Search

EXAMPLES = sorted(Path(__file__).parents[2].glob("configs/**/*.yaml"))
CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())
PIECES = [
    *("&a ", "*a", "<<: *a", "[", "{", "]", "}", "- ", "? ", ": ", "\n", "\t", "---\n", "|", ">", "!!", "%"),
    *(
        "\\0",
        "\x00",
        "\u202e",
        "\u2028",
        "\x85",
        "'",
        '"',
        "1e400",
        "9" * 40,
        "0x" + "f" * 40,
        ".nan",
        ".inf",
    ),
    *(
        "1:1:1",
        "null",
        "true",
        "2020-13-45",
        "!!python/name:os.system",
        "!!set {a}",
        "${envvar:X}",
        "${args}",
    ),
    *("when: {a: 1}", "parameters:", "values:", "min: 0", "max: 1", "distribution: q_uniform", "q: 1e-300"),
]

numbers = (
    st.integers()
    | st.integers(-5, 5)
    | st.floats()
    | st.sampled_from([10**19, 10**40, -(10**40), 10**299, 5e-324, 1e300, 1.0000001])
)
texts = st.text(max_size=12) | st.sampled_from(["1e5", "a.b", "a:b", "90m", "4G", "None", "a\x1b[2J", ""])
scalars = st.none() | st.booleans() | numbers | texts
names = st.sampled_from(["a", "b", "c", "a.b", "lr"]) | st.text(min_size=1, max_size=4)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


# Numbers that fit, for most; otherwise hardly any sweep would be valid.
FITTING: dict[str, st.SearchStrategy[Any]] = {
    "min": st.integers(-3, 0) | st.floats(1e-9, 0.5) | st.floats(-1e300, 1e-300),
    "max": st.integers(1, 9) | st.floats(1, 20) | st.floats(1, 1e300) | st.integers(1, 10**30),
    "mu": st.floats(-1e300, 1e300),
    "sigma": st.floats(5e-324, 1e300),
    "a": st.floats(5e-324, 1e300),
    "b": st.floats(5e-324, 1e300),
    "q": st.integers(1, 10**20) | st.floats(5e-324, 1e300),
    "value": values,
    "values": st.lists(scalars | st.integers(0, 3), min_size=1, max_size=5),
    "probabilities": st.sampled_from([[1], [0.5, 0.5], [0, 1, 0]]),
}


def rarely(draw: st.DrawFn) -> bool:
    """True one time in eight."""
    return draw(st.integers(0, 7)) == 7


@st.composite
def distributions(draw: st.DrawFn) -> Any:
    """One parameter: mostly the keys of a distribution with values that fit."""
    name = draw(st.sampled_from(sorted(DISTRIBUTIONS)))
    fields = [key for key in DISTRIBUTIONS[name].model_fields if key != "distribution"]
    entry = {key: draw(FITTING[key]) for key in fields}
    if "probabilities" in entry:
        entry["values"] = list(range(len(entry["probabilities"])))
    entry["distribution"] = name
    if rarely(draw):
        entry.pop(draw(st.sampled_from(sorted(entry))))
    if rarely(draw):
        entry[draw(st.sampled_from([*entry, "when", "extra"]))] = draw(values)
    if rarely(draw):
        entry["when"] = draw(st.dictionaries(names, st.integers(0, 3) | values, min_size=1, max_size=2))
    return entry


parameters = st.recursive(
    distributions() | distributions() | distributions() | values,
    lambda inner: st.fixed_dictionaries(
        {"parameters": st.dictionaries(names, inner, max_size=4)},
        optional={"when": st.dictionaries(names, values, max_size=2)},
    ),
    max_leaves=5,
)


def sections(fields: Any, content: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A mapping with some of these keys."""
    return st.dictionaries(st.sampled_from(sorted(fields)), content, max_size=5) | values


SOUND = {"min_iter": 1, "max_iter": 9, "s": 2, "interval": 3, "mutate": ["a"], "type": "mine:Rule"}


@st.composite
def rules(draw: st.DrawFn) -> Any:
    """`early_terminate` of some type, with some of its keys."""
    kind = draw(st.sampled_from(sorted(RULES)))
    rule = {key: SOUND[key] for key in RULES[kind].model_fields if key in SOUND}
    changed = draw(sections(RULES[kind].model_fields, numbers | values | st.just(["a", "lr"])))
    wrong = rarely(draw)
    if not isinstance(changed, dict):
        return changed if wrong else {**rule, "type": kind}
    return {**rule, **(changed if wrong else {}), "type": kind}


@st.composite
def sweeps(draw: st.DrawFn) -> dict[str, Any]:
    """A sweep with any of its keys."""
    sweep: dict[str, Any] = {
        "method": draw(values if rarely(draw) else st.sampled_from(METHODS)),
        "parameters": draw(
            st.dictionaries(
                names, distributions() if draw(st.booleans()) else parameters, min_size=1, max_size=4
            )
        ),
        "metric": draw(sections(Metric.model_fields, values) if rarely(draw) else st.just({"name": "loss"})),
    }
    if draw(st.integers(0, 3)) == 0:
        sweep["early_terminate"] = draw(rules())
    if draw(st.integers(0, 2)) == 0:
        own = draw(sections(HpoSettings.model_fields, values) if rarely(draw) else st.just({"seed": 3}))
        search = sections(Search.model_fields, values | st.lists(st.dictionaries(names, scalars), max_size=3))
        search = (
            search
            if rarely(draw)
            else st.fixed_dictionaries({"points": st.lists(st.dictionaries(names, scalars), max_size=2)})
        )
        sweep["hpo"] = {**own, "search": draw(search)} if isinstance(own, dict) and rarely(draw) else own
    if rarely(draw):
        sweep[draw(st.sampled_from([*Sweep.model_fields, "scheduler", "job", "x"]))] = draw(values)
    return sweep


@st.composite
def written(draw: st.DrawFn) -> bytes:
    """A sweep as YAML text."""
    style = draw(st.sampled_from([True, False, None]))
    try:
        text: str = yaml.safe_dump(
            draw(sweeps()), default_flow_style=style, allow_unicode=draw(st.booleans())
        )
    except ValueError:  # an integer too long for Python to print
        return b"method: random\n"
    return text.encode(errors="surrogatepass")


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """An example or a file of the corpus with pieces cut out, doubled or put in."""
    content = draw(st.sampled_from([*EXAMPLES, *CORPUS])).read_bytes()
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 12)))
        piece = draw(
            st.sampled_from(PIECES).map(str.encode) | st.binary(max_size=4) | st.just(content[start:end] * 3)
        )
        content = content[:start] + piece + content[end:]
    return content


settings_of = st.builds(
    lambda path, value: f"{'.'.join(path)}={value}",
    st.lists(
        st.sampled_from(
            [
                "parameters",
                "hpo",
                "search",
                "lr",
                "min",
                "max",
                "points",
                "early_terminate",
                "type",
                "method",
                "",
            ]
        )
        | st.text(max_size=3),
        max_size=5,
    ),
    st.sampled_from(PIECES) | st.text(max_size=12) | values.map(repr),
)
"""What `--set` may be given."""
