import pickle
import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.space.cells import MOST_AWAITED, MOST_VALUES, Cells, identity, possible
from hpo.space.conditions import Entry
from hpo.space.distributions import DISTRIBUTIONS
from hpo.space.space import SearchSpace
from hpo.space.start import SobolStart, Start
from hpo.space.tried import Tried


def dist(name: str, **keys: Any) -> Any:
    return DISTRIBUTIONS[name].model_validate({"distribution": name, **keys})


CHOICES: Any = st.one_of(
    st.integers(-4, 4), st.just(1.0), st.booleans(), st.none(), st.sampled_from(["a", "b", [1, 2], {"a": 1}])
)
STEPS = st.sampled_from([1, 2, 3, 0.25, 0.1, 1.0])


@st.composite
def weighted(draw: Any) -> Any:
    values = draw(st.lists(CHOICES, min_size=2, max_size=5))
    weights = draw(st.lists(st.integers(0, 3), min_size=len(values), max_size=len(values)))
    weights[draw(st.integers(0, len(values) - 1))] += 1
    shares = [weight / sum(weights) for weight in weights]
    return dist("categorical_w_probabilities", values=values, probabilities=shares)


FINITE = st.one_of(
    st.builds(lambda value: dist("constant", value=value), CHOICES),
    st.builds(lambda values: dist("categorical", values=values), st.lists(CHOICES, min_size=1, max_size=5)),
    st.builds(
        lambda low, n: dist("int_uniform", min=low, max=low + n), st.integers(-9, 9), st.integers(1, 5)
    ),
    st.builds(
        lambda low, n, q: dist("q_uniform", min=low, max=low + n * q, q=q),
        st.sampled_from([-1.5, 0, 0.5, 1, 2.5]),
        st.sampled_from([0.5, 1, 2.75, 4]),
        STEPS,
    ),
    st.builds(lambda q: dist("q_log_uniform_values", min=1, max=5, q=q), st.sampled_from([1, 0.7, 2])),
    st.builds(
        lambda a, q: dist("q_beta", a=a, b=2, q=q), st.sampled_from([0.5, 3]), st.sampled_from([0.25, 1])
    ),
    weighted(),
)


@st.composite
def spaces(draw: Any, most: int = 4) -> SearchSpace:
    """Finite spaces, with parameters that depend on others before them."""
    tree: dict[str, Any] = {}
    for name in "abcd"[: draw(st.integers(1, most))]:
        content = draw(FINITE)
        awaited = [other for other in tree if not isinstance(tree[other], Entry)]
        if awaited and draw(st.booleans()):
            other = draw(st.sampled_from(awaited))
            waited_for = draw(st.sampled_from(list(possible(tree[other]) or ())))
            content = Entry(content, {other: [waited_for]})
        tree[name] = content
    return SearchSpace.of(tree)


def key(space: SearchSpace, config: Any) -> str:
    return repr(identity(space, config))


@given(spaces(), st.integers(0, 2**31))
def test_each_draw_has_one_number_and_each_number_one_configuration(space: SearchSpace, seed: int) -> None:
    cells = Cells(space)
    listed = [cells[number] for number in range(min(cells.size, 200))]
    assert [cells.number(config) for config in listed] == list(range(len(listed)))
    assert len({key(space, config) for config in listed}) == len(listed)
    for index in range(40):
        config = space.sample(seed, index)
        number = cells.number(config)
        assert 0 <= number < cells.size
        assert identity(space, cells[number]) == identity(space, config)


@settings(max_examples=40)
@given(FINITE)
def test_a_value_is_possible_if_and_only_if_some_draw_gives_it(distribution: Any) -> None:
    space = SearchSpace.of({"p": distribution})
    cells = Cells(space)
    drawn = {cells.digit(0, distribution.draw(n / 2000)) for n in range(2001)}
    assert drawn == set(range(cells.size))


@settings(max_examples=40)
@given(spaces(3), st.integers(0, 9), st.sampled_from([Start, SobolStart]))
def test_nothing_is_drawn_twice_until_all_was(space: SearchSpace, seed: int, kind: type[Start]) -> None:
    if kind is SobolStart and not space.searched:
        return
    tried, start = Tried(Cells(space)), kind(space, seed)
    count = min(tried.size, 150)
    configs = tried.beginning(start, count)
    assert len({key(space, config) for config in configs}) == count
    assert tried.exhausted == (count == tried.size)
    assert configs[0] == start.config(0)
    if tried.exhausted:
        assert tried.draw(start, count) == start.config(count)


@given(spaces(3), st.integers(0, 9), st.data())
def test_one_near_a_tried_one_is_untried(space: SearchSpace, seed: int, data: Any) -> None:
    tried, start = Tried(Cells(space)), Start(space, seed)
    if tried.size == 1:
        return
    tried.beginning(start, data.draw(st.integers(1, min(tried.size - 1, 60))))
    config = tried.cells[tried.numbers[0]]
    near = tried.near(config, "seed")
    assert tried.cells.number(near) not in tried
    assert near == tried.near(config, "seed")


@settings(max_examples=40)
@given(st.integers(2, 40), st.data())
def test_an_untried_cell_follows_from_what_was_tried_and_not_from_its_order(size: int, data: Any) -> None:
    space = SearchSpace.of({"n": dist("int_uniform", min=1, max=size)})
    numbers = data.draw(st.lists(st.integers(0, size - 1), unique=True, max_size=size - 1))
    one, other = Tried(Cells(space)), Tried(Cells(space))
    extra = data.draw(st.integers(0, size - 1))
    other.add(extra)
    for number in numbers:
        one.add(number)
    for number in reversed(numbers):
        other.add(number)
    other.remove(extra)
    assert one.numbers == other.numbers == sorted(numbers)
    found = {one.untried(random.Random(n)) for n in range(40 * size)}
    assert found == set(range(size)) - set(numbers)


def test_weights_hold_while_there_is_a_choice_and_nothing_comes_that_cannot() -> None:
    space = SearchSpace.of(
        {
            "rare": dist(
                "categorical_w_probabilities", values=["a", "b", "c"], probabilities=[0.95, 0.05, 0]
            ),
            "n": dist("int_uniform", min=1, max=500),
        }
    )
    tried = Tried(Cells(space))
    assert tried.size == 1000
    kinds = [config["rare"] for config in tried.beginning(Start(space, 1), 1000)]
    assert 5 <= kinds[:200].count("b") <= 20  # 10 by the law
    assert kinds.count("b") == 500
    assert tried.exhausted
    assert tried.draw(Start(space, 1), 1000) == Start(space, 1).config(1000)  # from there on they repeat


def test_one_and_one_point_nought_are_one_point_and_true_is_another() -> None:
    space = SearchSpace.of({"p": dist("categorical", values=[1, 1.0, True, "1", [1], [1.0]])})
    tried = Tried(Cells(space))
    assert tried.size == 5
    found = [config["p"] for config in tried.beginning(Start(space, 3), 5)]
    assert sum(isinstance(value, (int, float)) and value is not True for value in found) == 1
    assert {"'1'", "True", "[1.0]", "[1]"} < set(map(repr, found))


@pytest.mark.parametrize(
    "distribution",
    [
        dist("uniform", min=0, max=1),
        dist("normal"),
        dist("q_normal"),  # no last value
        dist("q_log_normal"),
        dist("int_uniform", min=0, max=MOST_VALUES),
        dist("int_uniform", min=-(10**300), max=10**300),
        dist("q_uniform", min=0, max=1, q=1e-12),
    ],
)
def test_a_space_with_values_without_end_is_not_counted(distribution: Any) -> None:
    assert Cells.of(SearchSpace.of({"p": distribution, "k": dist("categorical", values=[1, 2])})) is None
    with pytest.raises(ValueError, match="'p' has no end of values"):
        Cells(SearchSpace.of({"p": distribution}))


def test_large_spaces_cost_nothing_beforehand() -> None:
    many = {f"n{n}": dist("int_uniform", min=1, max=10**6) for n in range(60)}
    large = SearchSpace.of(many | {"q": dist("q_uniform", min=0, max=1e5, q=0.001)})
    tried = Tried(Cells(large))
    assert tried.size > 10**360
    configs = tried.beginning(Start(large, 1), 50)
    assert [tried.cells.number(tried.cells[number]) for number in tried.numbers] == tried.numbers
    assert tried.near(configs[0], "s") != configs[0]
    awaited = {"n": dist("int_uniform", min=0, max=MOST_AWAITED), "k": dist("categorical", values=[1, 2])}
    assert Cells.of(SearchSpace.of(awaited)) is not None
    awaited["k"] = Entry(awaited["k"], {"n": [7]})
    assert Cells.of(SearchSpace.of(awaited)) is None


@dataclass(frozen=True)
class Counting(Cells):
    """Cells that note how often they are asked for a number."""

    asked: list[int] = field(default_factory=list)

    def number(self, config: Any) -> int:
        self.asked.append(1)
        return super().number(config)


def test_the_last_of_many_cells_take_hardly_more_than_the_first_and_little_memory() -> None:
    space = SearchSpace.of({"n": dist("int_uniform", min=0, max=10_000)})
    cells = Counting(space)
    tried, start = Tried(cells), Start(space, 1)
    looks = []
    for index in range(10_000):
        config = tried.draw(start, index)
        looks.append(len(cells.asked))
        cells.asked.clear()
        tried.add(Cells.number(cells, config))
    assert len(tried.numbers) == 10_000
    assert max(looks) <= 32
    assert len(pickle.dumps(tried)) < 60_000


def test_neighbours_are_close_in_numbers() -> None:
    space = SearchSpace.of({f"n{n}": dist("int_uniform", min=0, max=100) for n in range(3)})
    tried = Tried(Cells(space))
    config = {"n0": 50, "n1": 0, "n2": 100}
    tried.add(tried.cells.number(config))
    for seed in range(30):
        near = tried.near(config, str(seed))
        assert sum(abs(near[name] - config[name]) for name in near) == 1
    assert len({repr(tried.near(config, str(n))) for n in range(60)}) == 4


@pytest.mark.parametrize("last", [1, 2, 9])
@pytest.mark.parametrize("keys", [{}, {"q": 1}])
def test_both_ends_of_a_range_are_near_what_is_beside_them(keys: dict[str, Any], last: int) -> None:
    space = SearchSpace.of({"n": dist("q_uniform" if keys else "int_uniform", min=0, max=last, **keys)})
    for end, beside in ((0, 1), (last, last - 1)):
        tried = Tried(Cells(space))
        tried.add(tried.cells.number({"n": beside}))
        assert end in {tried.near({"n": beside}, str(seed))["n"] for seed in range(30)}


def flags(count: int) -> dict[str, Any]:
    """Parameters that each depend on another, and by their names come long after it."""
    tree: dict[str, Any] = {}
    for n in range(count):
        tree[f"a{n}"] = dist("categorical", values=[True, False])
        tree[f"p{n}"] = Entry(dist("int_uniform", min=1, max=4), {f"a{n}": True})
    return tree


@pytest.mark.parametrize("deep", [False, True])
def test_many_conditions_are_counted_quickly(deep: bool) -> None:
    tree = flags(60)
    if deep:
        tree = {"on": dist("categorical", values=[0, 1]), "block": Entry(tree, {"on": 1})}
    space = SearchSpace.of(tree)
    cells = Cells.of(space)
    assert cells is not None
    assert cells.size == 5**60 + deep
    for index in range(20):
        config = space.sample(1, index)
        assert cells[cells.number(config)] == config


def test_conditions_too_entangled_to_be_counted_are_let_be() -> None:
    tree: dict[str, Any] = {f"u{n}": dist("categorical", values=[0, 1, 2]) for n in range(30)}
    for n in range(30):
        when = {f"u{n}": 1, f"u{29 - n}": [0, 1], f"u{(7 * n + 3) % 30}": 2}
        tree[f"v{n}"] = Entry(dist("categorical", values=[0, 1]), when)
    assert Cells.of(SearchSpace.of(tree)) is None
    assert Cells.of(SearchSpace.of(flags(1000))) is None
