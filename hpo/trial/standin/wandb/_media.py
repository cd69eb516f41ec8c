"""Pictures, tables and the like: made without complaint, kept nowhere."""

from __future__ import annotations

from typing import Any


class Media:
    """Anything that only W&B's pages can show. It is no metric, so a row goes without it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.args, self.options = args, options

    @classmethod
    def _make(cls, *args: Any, **options: Any) -> Any:
        return cls(*args, **options)

    from_file = from_numpy = from_molecule = from_rdkit = from_smiles = from_point_cloud = _make
    make_plot_media = from_keras = _make


class Audio(Media):
    """A sound."""


class Classes(Media):
    """Names of classes."""


class Graph(Media):
    """A model's graph."""


class Histogram(Media):
    """A histogram."""


class Html(Media):
    """A page."""


class Image(Media):
    """A picture."""


class Molecule(Media):
    """A molecule."""


class Object3D(Media):
    """A point cloud or mesh."""


class Plotly(Media):
    """A plotly figure."""


class Video(Media):
    """A film."""


class Table(Media):
    """Rows and columns; both can be read back."""

    def __init__(
        self, columns: Any = None, data: Any = None, rows: Any = None, dataframe: Any = None, **options: Any
    ) -> None:
        super().__init__()
        if dataframe is not None:
            columns, data = list(dataframe.columns), dataframe.values.tolist()
        self.columns = list(columns if columns is not None else ("Input", "Output", "Expected"))
        self.data = [list(row) for row in (data if data is not None else rows or [])]

    def add_data(self, *row: Any) -> None:
        """Add a row."""
        self.data.append(list(row))

    add_row = add_data

    def add_column(self, name: str, data: Any) -> None:
        """Add a column."""
        self.columns.append(name)
        self.data = self.data or [[] for _ in data]
        for row, value in zip(self.data, data):  # noqa: B905 - also runs in a script's older Python
            row.append(value)

    def get_column(self, name: str, convert_to: Any = None) -> list[Any]:
        """A column's values."""
        return [row[self.columns.index(name)] for row in self.data]

    def iterrows(self) -> Any:
        """Index and row of each row."""
        return enumerate(self.data)

    def get_dataframe(self) -> Any:
        """The rows as a pandas.DataFrame."""
        from importlib import import_module

        return import_module("pandas").DataFrame(self.data, columns=self.columns)


class JoinedTable(Media):
    """Two tables."""


def box3d(**options: Any) -> dict[str, Any]:
    """A box of a point cloud."""
    return options
