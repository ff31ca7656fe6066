"""Which cluster an article version belongs to, as it was decided when it came: a replay must not decide otherwise.

Known from the topic of articles, else from the older index. What neither knows is clustered anew, in the order it is read, among its like.
"""

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from sinks.elasticsearch.generations import Generation
from streams.cluster import Clusters, Member
from tocsin import topics, wire
from tocsin.distributed.log import Log
from tocsin.errors import NewerSchema, Quarantine
from tocsin.messages import Placed
from tocsin.records import Article, Clustered
from tocsin.settings import Settings
from tocsin.state_table import open_state

_PAGE = 500


class Decisions:
    """Answers for one replay; kept in a file, because there may be millions. Use it as a context manager."""

    def __init__(self, folder: Path, older: Generation | None) -> None:
        """`folder`: emptied first. Raises UsageError when another process has it."""
        self._file = folder / "decisions.db"
        self._file.unlink(missing_ok=True)
        self._state = open_state(self._file)
        self._known = self._state.table("decisions", Clustered)
        self._clusters = Clusters(self._state.table("members", Member))
        self._older = older
        self.anew = 0  # how many were clustered anew

    def learn(self, settings: Settings, log: Log) -> int:
        """Read the topic of articles. Returns how many decisions are known now."""
        names = topics.lanes(settings, topics.ARTICLES)
        for messages in log.read(log.beginning(names), log.end(names), _PAGE):
            with self._state.transaction():
                for message in messages:
                    try:
                        placed = wire.decode(message.body or b"", Placed)
                    except NewerSchema:
                        raise
                    except Quarantine:
                        continue  # it is a dead letter already
                    self._known[placed.clustered.version_id] = placed.clustered
        return len(self._known)

    def of(self, articles: Iterable[Article]) -> list[Clustered]:
        """The decisions about these article versions, in their order."""
        listed = list(articles)
        unknown = [article.version_id for article in listed if article.version_id not in self._known]
        older = self._older.documents(unknown) if unknown and self._older is not None else {}
        with self._state.transaction():
            return [self._one(article, older[article.version_id].clustered if article.version_id in older else None) for article in listed]

    def _one(self, article: Article, older: Clustered | None) -> Clustered:
        known = self._known.get(article.version_id) or older
        if known is None:
            self.anew += 1
            known = self._clusters.assign(article)
            self._known[article.version_id] = known
        return known

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._state.close()
        self._file.unlink(missing_ok=True)
