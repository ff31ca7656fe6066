"""Near-duplicate clusters: which articles are copies of one text. The one serial stage: every article passes it in order.

Leader clustering: an article joins the cluster of the most similar *leader*, else it leads a cluster of its own. Clusters are
never merged, so a decision never has to be taken back. An article is compared with leaders only, found by locality-sensitive
hashing (Indyk & Motwani 1998) of two MinHashes: the whole body, and the lead, for truncated wire copy.

Same text, other figures: a copy with one figure changed in title or lead is a correction and stays in the cluster; other dates, or
two figures changed, are other news told with the same boilerplate.

State: one `Member` per article, forgotten `MEMORY` after it was last seen, `CAP` at most. It remembers the decisions about the last
`EARLIER` versions too, so that a version delivered again gets the same answer, whatever came after it. The hash index over leaders
(about 8 KB each, those of the last `INDEXED` only) is derived from that state and rebuilt from it at start. The state may be rolled back
after a decision (its record became a dead letter): then the next decision first takes back what the last one changed of the index.
"""

from collections.abc import Iterable, MutableMapping
from datetime import timedelta

from msgspec import UNSET
from msgspec.structs import replace

from tocsin import ids
from tocsin.clock import parse
from tocsin.records import Article, Clustered, Record, Sketch, Tagged
from tocsin.sketch import COMPARED, MOST_SENTENCES, sentence_hashes, similarity, sketch

BODY_SIMILARITY = 0.6  # between a text and its copy with a few edits; rewritten reports of one event stay below 0.3
LEAD_SIMILARITY = 0.4  # of a truncated copy, whose words must also be mostly contained in the longer text
CONTAINED = 0.55
LEAD_SHORTER = 0.8  # a truncated copy has at most this share of its leader's words
WINDOW = timedelta(hours=72)  # between the publication of a text and that of a copy
MEMORY = timedelta(days=30)  # how long an article is known, for its edits
INDEXED = timedelta(days=7)  # how long a leader can still be joined after it came: WINDOW, and delays of feeds and fetching
CAP = 500_000
EARLIER = 20  # versions remembered beside the latest; one that is older than those counts as a new edit
LONG = "long-text"
"""Flag of an article whose text is longer than `COMPARED`: after an edit the sentences before count as new text."""
_ROWS = 3
_BODY_BANDS = 21  # finds a pair of similarity 0.6 with probability 0.994
_LEAD_BANDS = 42  # 0.4 with 0.94, 0.5 with 0.996
_SHORT_WORDS = 25  # shorter texts are too easily alike: only equal ones are copies


class Earlier(Record, frozen=True, kw_only=True):
    """The decision about a version that is not the latest any more: what a `Clustered` says beyond its `Member`."""

    version_id: str
    similarity: float
    correction: bool
    known: int  # how many of the member's known sentences, from the first, came before this version
    at: str


class Member(Record, frozen=True, kw_only=True):
    """What is remembered of one article."""

    article_id: str
    version_id: str
    cluster_id: str
    leader_id: str
    similarity: float
    correction: bool
    previous_version: str | None
    known: tuple[str, ...]  # sentence hashes of all versions before the current one
    current: tuple[str, ...]  # of the current one
    at: str  # fetched
    published: str  # published, else fetched
    sketch: Sketch | None  # leaders only
    earlier: tuple[Earlier, ...] = ()  # oldest first


class _Change:
    """What one decision changed of the index beside the table; enough to take it back, wherever it was interrupted."""

    def __init__(self, member: Member) -> None:
        self.member = member  # new
        self.forgotten: dict[str, str] = {}  # article id -> at, as they stood at the beginning of the order
        self.unindexed: dict[str, str] = {}  # of the leaders


class Clusters:
    """The members' table and the index over its leaders."""

    def __init__(self, members: MutableMapping[str, Member]) -> None:
        """`members`: article id -> Member, durable."""
        self._members = members
        self._bands: dict[int, list[str]] = {}
        self._order: dict[str, str] = {}  # article id -> at, oldest first
        self._leaders: dict[str, str] = {}  # those of them that are in the index
        self._last: _Change | None = None
        # Two passes: all members at once, with their sketches, would be gigabytes.
        known = sorted((member.at, member.article_id, member.sketch is not None) for member in members.values())
        if known:
            newest = known[-1][0]
            reach = parse(newest) - INDEXED
            for at, article_id, leads in known:
                self._order[article_id] = at
                if leads and parse(at) >= reach:
                    self._index(members[article_id])
            self._forget(newest)

    def knows(self, article: Article) -> bool:
        """Whether this very version passed before, and is remembered."""
        member = self._members.get(article.article_id)
        return member is not None and _recalled(member, article.version_id) is not None

    def assign(self, article: Article) -> Clustered:
        """Decide for one article version; the same version again gives the same answer."""
        self._take_back()
        before = self._members.get(article.article_id)
        if before is not None and (again := _recalled(before, article.version_id)) is not None:
            return again
        own = article.sketch or sketch(article.title, article.text)
        published = article.published_at or article.fetched_at
        hashes = own.sentences if own.sentences is not UNSET else sentence_hashes(article.title, article.text)
        own = replace(own, sentences=UNSET)
        if before is not None:
            member = self._edited(before, article, own, published, hashes)
        else:
            member = self._placed(article, own, published, hashes)
        if before is None:
            self._last = _Change(member)
        self._members[article.article_id] = member
        if before is None:
            self._index(member)
            self._forget(article.fetched_at)
        return _decision(member)

    def _take_back(self) -> None:
        """Bring the index back to the table when the last new member is not in it: what it changed was rolled back."""
        last, self._last = self._last, None
        if last is None or last.member.article_id in self._members:
            return
        new = last.member.article_id
        self._order = last.forgotten | {article_id: at for article_id, at in self._order.items() if article_id not in last.forgotten}
        self._leaders = last.unindexed | {article_id: at for article_id, at in self._leaders.items() if article_id not in last.unindexed}
        self._order.pop(new, None)
        self._unindex(new, last.member)
        for article_id in last.unindexed:
            leader = self._members.get(article_id)
            for key in _band_keys(leader.sketch) if leader is not None and leader.sketch is not None else ():
                if article_id not in (band := self._bands.setdefault(key, [])):
                    band.append(article_id)

    def _edited(self, before: Member, article: Article, own: Sketch, published: str, hashes: tuple[str, ...]) -> Member:
        """A new version stays in its article's cluster, whatever it says now."""
        leader = self._members.get(before.leader_id)
        reference = leader.sketch if leader is not None else None
        known = tuple(dict.fromkeys((*before.known, *before.current)))
        cut = max(0, len(known) - MOST_SENTENCES)
        was = Earlier(
            version_id=before.version_id,
            similarity=before.similarity,
            correction=before.correction,
            known=len(before.known),
            at=before.at,
        )
        earlier = tuple(replace(one, known=max(0, one.known - cut)) if cut else one for one in (*before.earlier, was))[-EARLIER:]
        return Member(
            article_id=article.article_id,
            version_id=article.version_id,
            cluster_id=before.cluster_id,
            leader_id=before.leader_id,
            similarity=similarity(own.body, reference.body) if reference else 1.0,
            correction=reference is not None and _changed_figures(reference, own) > 0,
            previous_version=before.version_id,
            known=known[cut:],
            current=hashes,
            at=article.fetched_at,
            published=published,
            earlier=earlier,
            # The first version stays the leader's sketch: copies were compared with it.
            sketch=before.sketch,
        )

    def _placed(self, article: Article, own: Sketch, published: str, hashes: tuple[str, ...]) -> Member:
        leader, degree = self._leader_for(own, published)
        leads = leader is None
        return Member(
            article_id=article.article_id,
            version_id=article.version_id,
            cluster_id=ids.cluster_id(article.version_id) if leader is None else leader.cluster_id,
            leader_id=article.article_id if leader is None else leader.article_id,
            similarity=1.0 if leads else degree,
            correction=leader is not None and leader.sketch is not None and _changed_figures(leader.sketch, own) > 0,
            previous_version=None,
            known=(),
            current=hashes,
            at=article.fetched_at,
            published=published,
            sketch=own if leads else None,
        )

    def _leader_for(self, own: Sketch, published: str) -> tuple[Member | None, float]:
        """The most similar leader within reach, the older one on a tie."""
        best: tuple[float, str, Member] | None = None
        when = parse(published)
        for candidate_id in self._candidates(own):
            candidate = self._members.get(candidate_id)
            if candidate is None or candidate.sketch is None or abs(parse(candidate.published) - when) > WINDOW:
                continue
            degree = alike(candidate.sketch, own)
            if degree and (best is None or (-degree, candidate.at, candidate_id) < (-best[0], best[2].at, best[1])):
                best = (degree, candidate_id, candidate)
        return (best[2], best[0]) if best else (None, 0.0)

    def _candidates(self, own: Sketch) -> Iterable[str]:
        found: dict[str, None] = {}
        for key in _band_keys(own):
            if (band := self._bands.get(key)) is not None:
                found.update(dict.fromkeys(band))
        return found

    def _index(self, member: Member) -> None:
        self._order[member.article_id] = member.at
        if member.sketch is not None:
            self._leaders[member.article_id] = member.at
            for key in _band_keys(member.sketch):
                self._bands.setdefault(key, []).append(member.article_id)

    def _forget(self, now: str) -> None:
        """Drop what is too old, by the records' time, so that replay forgets alike; and the oldest beyond CAP."""
        moment = parse(now)
        while self._leaders and parse(self._leaders[oldest := next(iter(self._leaders))]) < moment - INDEXED:
            self._unindex(oldest, self._members.get(oldest))
        while self._order:
            oldest = next(iter(self._order))
            too_old = parse(self._order[oldest]) < moment - MEMORY
            if not too_old and len(self._order) <= CAP:
                return
            if self._last is not None:
                self._last.forgotten.setdefault(oldest, self._order[oldest])
            del self._order[oldest]
            member = self._members.get(oldest)
            if member is not None and too_old and parse(member.at) >= moment - MEMORY:
                self._order[oldest] = member.at  # an edit renewed it
                continue
            self._unindex(oldest, member)
            self._members.pop(oldest, None)

    def _unindex(self, article_id: str, member: Member | None) -> None:
        if article_id not in self._leaders:
            return
        if self._last is not None:
            self._last.unindexed.setdefault(article_id, self._leaders[article_id])
        del self._leaders[article_id]
        if member is None or member.sketch is None:
            return
        for key in _band_keys(member.sketch):
            rest = [other for other in self._bands.get(key, ()) if other != article_id]
            if rest:
                self._bands[key] = rest
            else:
                self._bands.pop(key, None)


def in_cluster(tagged: Tagged, clustered: Clustered) -> Tagged:
    """The tagged document with its cluster on every claim, without the sketch, which has served; a text compared in part is flagged."""
    flags = tagged.article.flags
    if len(tagged.article.text) > COMPARED:
        flags = tuple(dict.fromkeys((*flags, LONG)))
    return replace(
        tagged,
        article=replace(tagged.article, sketch=None, flags=flags),
        claims=tuple(replace(claim, cluster_id=clustered.cluster_id) for claim in tagged.claims),
        title_claims=tuple(replace(claim, cluster_id=clustered.cluster_id) for claim in tagged.title_claims),
    )


def alike(leader: Sketch, other: Sketch) -> float:
    """Similarity of a copy to its leader, 0 if it is no copy: too different, other dates, or more than one other figure."""
    body = similarity(leader.body, other.body)
    shorter, longer = sorted((leader.words, other.words))
    if shorter < _SHORT_WORDS:
        degree = body if body == 1.0 else 0.0
    elif body >= BODY_SIMILARITY:
        degree = body
    elif shorter <= LEAD_SHORTER * longer:
        lead = similarity(leader.lead, other.lead)
        # Of a truncated copy the body's similarity is the share of words it kept, if it kept them unchanged.
        contained = body * (shorter + longer) / (shorter * (1 + body)) if body else 0.0
        degree = lead if lead >= LEAD_SIMILARITY and contained >= CONTAINED else 0.0
    else:
        degree = 0.0
    return degree if degree and _changed_figures(leader, other) <= 1 and not _other_dates(leader, other) else 0.0


def _recalled(member: Member, version_id: str) -> Clustered | None:
    """The decision about a version that passed before."""
    if member.version_id == version_id:
        return _decision(member)
    for before, one in zip((None, *member.earlier), member.earlier, strict=False):
        if one.version_id == version_id:
            return Clustered(
                article_id=member.article_id,
                version_id=version_id,
                cluster_id=member.cluster_id,
                leader_id=member.leader_id,
                similarity=round(one.similarity, 3),
                correction=one.correction,
                previous_version=before.version_id if before is not None else None,
                known_sentences=member.known[: one.known],
                at=one.at,
            )
    return None


def _decision(member: Member) -> Clustered:
    return Clustered(
        article_id=member.article_id,
        version_id=member.version_id,
        cluster_id=member.cluster_id,
        leader_id=member.leader_id,
        similarity=round(member.similarity, 3),
        correction=member.correction,
        previous_version=member.previous_version,
        known_sentences=member.known,
        at=member.at,
    )


def _band_keys(own: Sketch) -> list[int]:
    return [
        hash((which, band, values[band * _ROWS : (band + 1) * _ROWS]))
        for which, (values, bands) in enumerate(((own.body, _BODY_BANDS), (own.lead, _LEAD_BANDS)))
        if values
        for band in range(bands)
    ]


def _changed_figures(leader: Sketch, other: Sketch) -> int:
    """How many figures of one were replaced in the other; a figure only left out, added or moved down is no change."""
    return min(len(_figures_lost(leader, other)), len(_figures_lost(other, leader)))


def _figures_lost(here: Sketch, there: Sketch) -> set[str]:
    """Figures of the title and lead here that are not near the beginning there."""
    return {number for number in here.numbers if number.startswith("n:")} - {*there.numbers, *there.later}


def _other_dates(leader: Sketch, other: Sketch) -> bool:
    """Both name dates, and each names one the other does not."""
    left = {number for number in leader.numbers if number.startswith("d:")}
    right = {number for number in other.numbers if number.startswith("d:")}
    return bool(left - {*right, *other.later} and right - {*left, *leader.later})
