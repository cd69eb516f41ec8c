"""Several runs' columns of HParams → one set of columns, in which TensorBoard shows the trials of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hpo.errors import UserError
from hpo.record.events import EventFile, read_events
from hpo.record.hparams import EXPERIMENT, recorded


def merge(sources: Sequence[Path], target: Path) -> None:
    """Write the columns that the directories `sources` tell of into the directory `target`.

    What not all runs have, or have as another type, comes last: trials without it would drop out of the
    plots. Raises UserError where a directory tells of none.
    """
    found = [_experiment(source) for source in sources]
    whole = found[0]
    whole.name = " + ".join(
        one.name or source.parent.name for one, source in zip(found, sources, strict=True)
    )
    for other in found[1:]:
        whole.description = ""
        _merge_parameters(whole, other)
        known = {(metric.name.group, metric.name.tag) for metric in whole.metric_infos}
        new = [one for one in other.metric_infos if (one.name.group, one.name.tag) not in known]
        whole.metric_infos.extend(new)
    file = EventFile(target / "v1", whole.time_created_secs)
    file.summary(0, whole.time_created_secs, [recorded("experiment", experiment=whole)])
    file.close()


def _merge_parameters(whole: Any, other: Any) -> None:
    theirs = {info.name: info for info in other.hparam_infos}
    for info in whole.hparam_infos:
        its = theirs.pop(info.name, None)
        if its is None or its.type != info.type:
            info.differs = False
        else:
            _merge_domains(info, its)
    for info in theirs.values():
        info.differs = False
        whole.hparam_infos.add().CopyFrom(info)


def _merge_domains(info: Any, its: Any) -> None:
    kinds = info.WhichOneof("domain"), its.WhichOneof("domain")
    if kinds == ("domain_interval", "domain_interval"):
        low, high = info.domain_interval, its.domain_interval
        low.min_value, low.max_value = min(low.min_value, high.min_value), max(low.max_value, high.max_value)
    elif kinds == ("domain_discrete", "domain_discrete"):
        values = list(dict.fromkeys([*info.domain_discrete, *its.domain_discrete]))
        info.differs = info.differs or its.differs or len(values) > 1
        info.ClearField("domain_discrete")
        info.domain_discrete.extend(values)
    else:  # a constant here, a range there
        info.differs = True
        info.ClearField("domain_interval")
        info.ClearField("domain_discrete")


def _experiment(source: Path) -> Any:
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    for value in _values(source):
        if value.tag == EXPERIMENT:
            return HParamsPluginData.FromString(value.metadata.plugin_data.content).experiment
    raise UserError(f"{source.parent} tells of no hyperparameters; `hpo tensorboard --rebuild` makes it anew")


def _values(source: Path) -> Iterator[Any]:
    for path in sorted(source.glob("v*/*"), reverse=True):
        for event in read_events(path):
            yield from event.summary.value
