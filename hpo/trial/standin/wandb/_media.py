"""Media, tables and artifacts: made without complaint, kept nowhere."""

from __future__ import annotations

from typing import Any


class Media:
    """Anything that only W&B's pages can show."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.args, self.options = args, options

    @classmethod
    def _make(cls, *args: Any, **options: Any) -> Any:
        return cls(*args, **options)

    from_file = from_numpy = from_molecule = make_plot_media = _make


class Audio(Media):
    """A sound."""


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
    """Rows and columns; the rows can be read back."""

    def __init__(self, columns: Any = None, data: Any = None, rows: Any = None, **options: Any) -> None:
        super().__init__()
        self.columns = list(columns or options.pop("dataframe", {"Input": 0, "Output": 0, "Expected": 0}))
        self.data = [list(row) for row in (data if data is not None else rows or [])]

    def add_data(self, *row: Any) -> None:
        """Add a row."""
        self.data.append(list(row))

    def add_row(self, *row: Any) -> None:
        """Add a row."""
        self.data.append(list(row))

    def add_column(self, name: str, data: Any) -> None:
        """Add a column."""
        self.columns.append(name)
        for row, value in zip(self.data, data, strict=False):
            row.append(value)

    def get_column(self, name: str, convert_to: Any = None) -> list[Any]:
        """A column's values."""
        return [row[self.columns.index(name)] for row in self.data]


class Artifact:
    """A named set of files, which stay where they are."""

    def __init__(self, name: str, type: str = "", *args: Any, **options: Any) -> None:
        self.name, self.type = name, type
        self.metadata = options.get("metadata") or {}
        self.version, self.id = "v0", None
        self.aliases: list[str] = []

    def add_file(self, *args: Any, **options: Any) -> None:
        """Accepted."""

    add = add_dir = add_reference = remove = delete = save = add_file

    def new_file(self, name: str, mode: str = "w", **options: Any) -> Any:
        """A file that is thrown away."""
        import tempfile

        return tempfile.TemporaryFile("w+b" if "b" in mode else "w+")

    def wait(self, *args: Any, **options: Any) -> Artifact:
        """Nothing to wait for."""
        return self


class _Accepting:
    """A module whose every function gives a Media."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Media


plot = _Accepting()
sklearn = _Accepting()
