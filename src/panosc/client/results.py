"""What a search finds: read from the node page by page, as far as it is used."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, overload
from urllib.parse import parse_qsl, urlencode, urlsplit

from typing_extensions import override

from panosc.client.datasets import Dataset, row
from panosc.client.http import Http
from panosc.domain.errors import TooLarge

_SIZE = 100
_SHOWN = 10


class Results(Sequence[Dataset]):
    """Datasets in the order of the search; ``len`` is how many there are in all.

    Nothing is asked before the first use. Pages are kept, so that the same page is asked for
    once; what changes at the node meanwhile is not noticed.
    """

    def __init__(self, http: Http, pairs: Sequence[tuple[str, str]]) -> None:
        self._http = http
        # pages are this object's own business
        self.params = tuple(pair for pair in pairs if pair[0] not in {"page", "after", "size"})
        """The question as keys and values of an address."""
        self._pages: dict[int, list[Dataset]] = {}
        self._nexts: dict[int, str | None] = {}
        self._said: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """The search page with the same question, for people."""
        query = urlencode(self.params)
        return f"{self._http.url}/search" + (f"?{query}" if query else "")

    @property
    def filter(self) -> dict[str, Any]:
        """The same question as a filter of the PaNOSC search API, of this node or another."""
        self._first()
        return dict(self._said["filter"])

    @property
    def total(self) -> int:
        """How many datasets fit, of those that the caller may see."""
        self._first()
        return int(self._said["total"])

    @override
    def __len__(self) -> int:
        return self.total

    def __bool__(self) -> bool:
        return self.total > 0

    @override
    def __iter__(self) -> Iterator[Dataset]:
        for index in range(self.total):
            yield self[index]

    @overload
    def __getitem__(self, index: int) -> Dataset: ...
    @overload
    def __getitem__(self, index: slice) -> list[Dataset]: ...
    @override
    def __getitem__(self, index: int | slice) -> Dataset | list[Dataset]:
        """Return one of them, or those of a slice as a list.

        Raises
        ------
        TooLarge
            Beyond what a node pages through.
        """
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(self.total))]
        place = index + self.total if index < 0 else index
        if not 0 <= place < self.total:
            raise IndexError(f"{index} of {self.total} datasets")
        number, offset = divmod(place, _SIZE)
        page = self._page(number + 1)
        if offset >= len(page):
            raise IndexError(f"{index}: datasets have gone since they were counted")
        return page[offset]

    def _first(self) -> None:
        if not self._said:
            self._page(1)

    def _page(self, number: int) -> list[Dataset]:
        if number not in self._pages:
            most = int(self._said.get("mostPages", number))
            if number <= most:
                self._read(number, [*self.params, ("page", str(number)), ("size", str(_SIZE))])
            # behind the numbered pages each is known by the one before it
            for following in range(most, number):
                self._follow(following, most)
        return self._pages[number]

    def _follow(self, number: int, most: int) -> None:
        """Read the page after `number`, unless it is there."""
        if number + 1 in self._pages:
            return
        is_full = len(self._page(number)) == _SIZE
        link = self._nexts.get(number)
        if not is_full:
            # fewer than were counted
            self._pages[number + 1] = []
            return
        if link is None:
            raise TooLarge(
                f"The {most * _SIZE} best matches can be read, of {self.total} datasets here.",
                limit=most * _SIZE,
                hint='Give an order, such as sort="-created", or ask for less at once.',
            )
        self._read(number + 1, parse_qsl(urlsplit(link).query))

    def _read(self, number: int, pairs: Sequence[tuple[str, str]]) -> None:
        answer = self._http.get("/search.json", pairs)
        self._said = self._said or answer
        self._nexts[number] = answer["next"]
        self._pages[number] = [Dataset(item, self._http) for item in answer["items"]]

    @override
    def __repr__(self) -> str:
        said = f"{self.total} datasets" if self._said else "not asked yet"
        return f"<Results of {self.url}: {said}>"

    def _repr_html_(self) -> str:
        rows = "".join(row(dataset) for dataset in self[:_SHOWN])
        link = f'<a href="{escape(self.url)}">{self.total} datasets</a>'
        return f"<p>{link}</p><table>{rows}</table>"
