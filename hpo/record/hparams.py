"""A recorded sweep and configurations → the columns of TensorBoard's HParams page, and each trial's values.

The page wants one type a column and, in its plot of parallel coordinates, drops every trial that lacks a
value in a visible column. So each trial has a value in each column: text where a parameter can be null, a
list or of several types, and a stand-in where its condition does not hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hpo.record.columns import as_json
from hpo.record.flat import Path, flatten
from hpo.space.distribution import Distribution
from hpo.space.parameter import is_nested, parse_parameter

if TYPE_CHECKING:
    from tensorboard.compat.proto.summary_pb2 import Summary

Value = float | str | bool
EXPERIMENT = "_hparams_/experiment"
ABSENT = "—"
"""Text of a parameter whose condition does not hold; one of any range of numbers has a number below it."""
TAIL = 1e-4
"""Share of a distribution without an end that lies beyond the range which is shown for it."""
NAMES = 40
"""So many of the metrics that scripts log get columns of their own."""


@dataclass(frozen=True)
class Column:
    """One hyperparameter: its values are of one kind, `number`, `bool` or `text`."""

    path: Path
    kind: str
    swept: bool = True
    interval: tuple[float, float] | None = None
    choices: tuple[Value, ...] = ()
    absent: Value = ABSENT
    """What stands for no value, or one of another kind."""
    note: str = ""
    """What the head of the column says beside the name."""
    log10_of: Path | None = None
    """The parameter whose decimal logarithm this is; none of the sweep's own then."""

    @property
    def name(self) -> str:
        """The dotted path."""
        return ".".join(self.path)

    def of(self, config: Mapping[str, Any]) -> Value:
        """The value that stands for a configuration."""
        value: Any = config
        for key in self.log10_of or self.path:
            if not isinstance(value, Mapping) or key not in value:
                return self.absent
            value = value[key]
        if self.kind == "text":
            return as_text(value)
        if self.kind == "bool":
            return value if isinstance(value, bool) else bool(self.absent)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            return self.absent
        if self.log10_of:
            return math.log10(value) if value > 0 else self.absent
        return float(value)


@dataclass(frozen=True)
class Metric:
    """A column of results: the scalar whose last value it shows."""

    tag: str
    title: str
    training: bool = False


@dataclass(frozen=True)
class Columns:
    """All columns of a run."""

    parameters: tuple[Column, ...]
    metrics: tuple[Metric, ...] = ()
    name: str = ""
    description: str = ""
    _known: frozenset[Path] = field(default=frozenset(), compare=False)

    @classmethod
    def of(cls, sweep: Mapping[str, Any], metrics: Iterable[Metric] = ()) -> Columns:
        """Those of a sweep's search space."""
        found = sweep.get("parameters")
        columns = tuple(_columns(found, (), conditional=False)) if isinstance(found, Mapping) else ()
        name, about = str(sweep.get("name") or ""), str(sweep.get("description") or "")
        return cls(columns, tuple(metrics), name, about)._indexed()

    def with_config(self, config: Mapping[str, Any]) -> Columns:
        """With columns for what a configuration holds beside the sweep's parameters; itself where nothing."""
        new = [(path, value) for path, value in flatten(config, whole=self._known) if path not in self._known]
        if not new:
            return self
        made = tuple(_guessed(path, value) for path, value in new)
        return replace(self, parameters=self.parameters + made)._indexed()

    def with_metrics(self, names: Iterable[str]) -> Columns:
        """With columns for what scripts have logged; itself where all are there, or too many."""
        known = {metric.tag for metric in self.metrics}
        room = max(0, NAMES - len(known))
        new = [name for name in dict.fromkeys(names) if name not in known][:room]
        more = tuple(Metric(name, name, training=name.startswith("train")) for name in new)
        return replace(self, metrics=self.metrics + more) if more else self

    def values(self, config: Mapping[str, Any]) -> dict[str, Value]:
        """A configuration's value in each column."""
        return {column.name: column.of(config) for column in self.parameters}

    def _indexed(self) -> Columns:
        return replace(self, _known=frozenset(column.path for column in self.parameters))


def as_text(value: Any) -> str:
    """Text as it is, anything else as JSON."""
    return value if isinstance(value, str) else as_json(value)


def experiment(columns: Columns, created: float) -> Summary.Value:
    """The one record that says what columns there are."""
    from tensorboard.plugins.hparams import api_pb2

    told = api_pb2.Experiment(name=columns.name, description=columns.description, time_created_secs=created)
    kinds = {
        "number": api_pb2.DATA_TYPE_FLOAT64,
        "bool": api_pb2.DATA_TYPE_BOOL,
        "text": api_pb2.DATA_TYPE_STRING,
    }
    for column in columns.parameters:
        note = f"{column.name} ({column.note})" if column.note else column.name
        info = told.hparam_infos.add(name=column.name, display_name=note, type=kinds[column.kind])
        mark_swept(info, column.swept)
        if column.interval:
            info.domain_interval.min_value, info.domain_interval.max_value = column.interval
        elif column.choices:
            info.domain_discrete.extend(column.choices)
    for metric in columns.metrics:
        dataset = api_pb2.DATASET_TRAINING if metric.training else api_pb2.DATASET_VALIDATION
        told.metric_infos.add(
            name=api_pb2.MetricName(tag=metric.tag), display_name=metric.title, dataset_type=dataset
        )
    return recorded("experiment", experiment=told)


def mark_swept(info: Any, swept: bool) -> None:
    """Say of a column whether it comes first; TensorBoard knows that since 2.14."""
    if "differs" in info.DESCRIPTOR.fields_by_name:
        info.differs = swept


def session_start(values: Mapping[str, Value], began: float) -> Summary.Value:
    """A trial's parameters, in all columns."""
    from tensorboard.plugins.hparams import plugin_data_pb2

    start = plugin_data_pb2.SessionStartInfo(start_time_secs=began)
    for name, value in values.items():
        if isinstance(value, bool):
            start.hparams[name].bool_value = value
        elif isinstance(value, str):
            start.hparams[name].string_value = value
        else:
            start.hparams[name].number_value = value
    return recorded("session_start_info", session_start_info=start)


def session_end(failed: bool, ended: float) -> Summary.Value:
    """How a trial has ended; only the first one in a directory counts."""
    from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2

    status = api_pb2.STATUS_FAILURE if failed else api_pb2.STATUS_SUCCESS
    end = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=ended)
    return recorded("session_end_info", session_end_info=end)


def recorded(kind: str, **content: Any) -> Summary.Value:
    """A value of the HParams page: `experiment`, `session_start_info` or `session_end_info`."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.compat.proto.types_pb2 import DT_FLOAT
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    data = HParamsPluginData(version=0, **content).SerializeToString()
    plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=data)
    one = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    nothing = TensorProto(dtype=DT_FLOAT, float_val=[0.0], tensor_shape=one)  # what is told is the metadata
    return Summary.Value(
        tag=f"_hparams_/{kind}", metadata=SummaryMetadata(plugin_data=plugin), tensor=nothing
    )


def _columns(parameters: Mapping[str, Any], prefix: Path, *, conditional: bool) -> Iterator[Column]:
    for key, entry in parameters.items():
        path, maybe, told = (*prefix, str(key)), conditional, entry
        if isinstance(entry, Mapping) and "when" in entry:
            maybe, told = True, {name: value for name, value in entry.items() if name != "when"}
        if is_nested(told) and isinstance(told["parameters"], Mapping):
            yield from _columns(told["parameters"], path, conditional=maybe)
        elif (distribution := parse_parameter(told).distribution) is not None:
            yield from _of_distribution(path, distribution, conditional=maybe)


def _of_distribution(path: Path, law: Distribution, *, conditional: bool) -> Iterator[Column]:
    swept = law.levels() != 1
    support = law.support()
    if support is None or not swept:
        listed = law.model_dump().get("values") if swept else [law.draw(0.5)]
        yield _listed(path, listed or [], swept=swept, conditional=conditional)
        return
    low, high = map(float, support)
    low = low if math.isfinite(low) else law.draw(TAIL)
    high = high if math.isfinite(high) else law.draw(1 - TAIL)
    log = law.log_scaled
    least = (low if low > 0 else law.draw(TAIL) or getattr(law, "q", TAIL)) if log else low
    absent = (least / 10 if log else _below(low, high)) if conditional else low
    note = f"{absent:g}: absent" if conditional else ""
    yield Column(path, "number", interval=(low, high), absent=absent, note=note)
    if log:
        name, ends = (*path[:-1], f"log10({path[-1]})"), (math.log10(least), math.log10(high))
        none = ends[0] - 1 if conditional else ends[0]
        yield Column(name, "number", swept=False, interval=ends, absent=none, log10_of=path)


def _below(low: float, high: float) -> float:
    """A round number that is below a range, but not far."""
    return math.floor(low - (high - low) / 10) if high - low >= 1 else low - (high - low) / 10


def _listed(path: Path, values: Sequence[Any], *, swept: bool, conditional: bool) -> Column:
    kind = _kind(values)
    if kind != "text" and conditional:
        kind = "text"
    shown = [as_text(value) if kind == "text" else value for value in values]
    choices = dict.fromkeys([*shown, *([ABSENT] if conditional else [])])
    otherwise = ABSENT if kind == "text" else shown[0]
    return Column(path, kind, swept, choices=tuple(choices), absent=otherwise)


def _kind(values: Sequence[Any]) -> str:
    if values and all(isinstance(value, bool) for value in values):
        return "bool"
    numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    return "number" if values and numeric and all(map(math.isfinite, values)) else "text"


def _guessed(path: Path, value: Any) -> Column:
    """A column for a parameter that the sweep does not know, by its first value."""
    kind = _kind([value])
    absent: dict[str, Value] = {"text": ABSENT, "bool": False, "number": 0.0}
    return Column(path, kind, absent=absent[kind])
