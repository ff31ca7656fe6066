"""Web addresses: one canonical form for identity, and the host that politeness is counted by.

`canonical` names an article; it is never fetched. Choices, each because the same article is met under both forms:
- http and https are one (https is written), unless a port is given; default ports, user names and passwords go.
- `www.`, `m.`, `mobile.` and `amp.` in front of a domain go, as do AMP markers at the end of a path and AMP caches around an address.
- the fragment goes (but `#!` routes stay), as do tracking parameters; the other parameters are sorted, blank ones kept.
- percent escapes are written one way, dot segments and doubled or trailing slashes go; the case of the path stays.
- hosts are lower-case ASCII (IDNA).
Parameters are removed by exact name or vendor prefix only. A wide pattern (courlan drops `cid`, `eid`, `uid`, `ref...` and
blank values) makes one article of two where such a parameter numbers the articles, and a lost article is worse than a duplicate.
Vendors' names: the parameters they document to add to links (Google, Meta, Microsoft, Matomo, HubSpot, Mailchimp, AT Internet).
"""

import ipaddress
import re
from functools import lru_cache
from urllib.parse import SplitResult, quote, unquote_to_bytes, urljoin, urlsplit, urlunsplit

import idna

from tocsin.errors import Quarantine

MAX_URL = 4096  # characters; longer ones are traps or data, and no server of news needs them
_TRACKER = re.compile(
    "fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|ysclid|twclid|ttclid|igshid|igsh|mc_cid|mc_eid|mkt_tok|_ga|_gl|_hsenc|_hsmi|"
    "hsctatracking|vero_id|vero_conv|oly_anon_id|oly_enc_id|wickedid|cmpid|cmp|ocid|smid|smtyp|xtor|ns_(?:mchannel|source|campaign|linkname|fee)|"
    "at_(?:medium|campaign|link_id|format|link_type|link_origin|ptr_name|bbc_team)|spm|__twitter_impression|__tn__|guccounter|"
    "guce_referrer(?:_sig)?|ref_src|ref_url|s_cid|usqp|amp_js_v|amp_gsa|(?:utm|mtm|pk|piwik|matomo|hsa|itm)_.*"
)
_AMP_NAMES = ("amp", "outputtype")  # removed only with a value that says AMP: `amp` may be an article's own word
_AMP_VALUES = {"", "1", "true", "amp"}
_PREFIX = re.compile(r"^(?:(?:www|m|mobile|amp)\.)+(?=[^.]+\.[^.]+)")
_AMP_TAIL = re.compile(r"(?:/amp|\.amp(?=$|\.html$)|/amp(?=/index\.html$))$|\.amp(?=\.html$)")
_NEVER = re.compile("[\x00-\x20\x7f\u2028\u2029\ud800-\udc7f\udd00-\udfff]")
_STRAY = re.compile("[\udc80-\udcff]")
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_AMP_CACHE = re.compile(r"^/(?:[a-z]/)?(s/)?([^/]+\.[^/]+)(/.*)?$")
_SAFE_PATH = "/:@!$&'()*+,;=~-._"
_SAFE_QUERY = "/:@!$'()*+,;~-._?"
_PLAIN = re.compile(r"[A-Za-z0-9/:@!$'()*+,;~._-]*")  # nothing to escape anywhere


def is_web(url: str) -> bool:
    """Whether this is an http or https address with a host that can be asked."""
    try:
        _split(url)
    except Quarantine:
        return False
    return True


def host_of(url: str) -> str:
    """Host of a web address as politeness counts it: lower-case ASCII, with the port when it is not the scheme's own.

    Raises Quarantine when it is no web address.
    """
    parts = _split(url)
    host = _ascii_host(parts)
    port = parts.port
    bracketed = f"[{host}]" if ":" in host else host
    return bracketed if port is None or port == _default_port(parts.scheme) else f"{bracketed}:{port}"


def fetchable(url: str, base: str = "") -> str:
    """Return the address as it is asked for: resolved against `base`, without fragment, spaces and control characters.

    Raises Quarantine when it is no web address.
    """
    text = _tidy(url)
    try:
        joined = urljoin(base, text) if base else text
    except ValueError as error:
        raise Quarantine(f"not a web address: {text[:100]!r} ({error})") from error
    parts = _split(joined)
    return urlunsplit((parts.scheme.lower(), host_of(joined), parts.path or "/", parts.query, ""))


@lru_cache(maxsize=4096)
def canonical(url: str) -> str:
    """Return the one form of a web address that names an article. `file:` names of local pages pass unchanged. Idempotent.

    Raises Quarantine for other schemes, no host, a bad port, or more than MAX_URL characters.
    """
    if url.startswith("file:"):
        return url
    for _ in range(4):  # unwrapping a cache address may show another; four is more than any chain seen
        step = _canonical_once(url)
        if step == url:
            break
        url = step
    return url


def _canonical_once(url: str) -> str:
    parts = _split(_tidy(url))
    unwrapped = _unwrap_amp(parts)
    if unwrapped is not None:
        parts = _split(unwrapped)
    port = parts.port if parts.port not in (80, 443, None) else None
    host = _ascii_host(parts)
    if port is None:
        host = _PREFIX.sub("", host) or host
    netloc = f"[{host}]" if ":" in host else host
    netloc = netloc if port is None else f"{netloc}:{port}"
    scheme = "https" if port is None else parts.scheme.lower()
    fragment = parts.fragment if parts.fragment.startswith("!") else ""
    return urlunsplit((scheme, netloc, _path(parts.path), _query(parts.query), _quote(fragment, _SAFE_QUERY + "!=&")))


def _tidy(url: str) -> str:
    """Remove what copying and feeds put around or into an address; `&amp;` left by doubly escaped feeds becomes `&`."""
    text = _NEVER.sub("", url.strip()).replace("&amp;", "&")
    # Bytes of a header that are not UTF-8 arrive as lone surrogates, which no record may hold: they become escapes again.
    return _STRAY.sub(lambda stray: f"%{ord(stray[0]) - 0xDC00:02X}", text)


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL:
        raise Quarantine(f"address of {len(url)} characters; at most {MAX_URL} are read")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Quarantine(f"not a web address: {url[:100]!r} ({error})") from error
    if parts.scheme.lower() not in ("http", "https"):
        raise Quarantine(f"not a web address: {url[:100]!r}; only http and https are read")
    if port == 0:
        raise Quarantine(f"not a web address: {url[:100]!r} (port 0)")
    _ascii_host(parts)
    return parts


def _ascii_host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        try:
            return ipaddress.IPv6Address(host).compressed
        except ValueError as error:
            raise Quarantine(f"not a host name: {host[:100]!r}") from error
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise Quarantine(f"not a host name: {host[:100]!r}") from error
    if not host or len(host) > 253 or not re.fullmatch(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", host):
        raise Quarantine(f"not a host name: {host[:100]!r}")
    return host


def _default_port(scheme: str) -> int:
    return 80 if scheme.lower() == "http" else 443


def _unwrap_amp(parts: SplitResult) -> str | None:
    """Return the address inside a Google AMP viewer or AMP cache address."""
    host = parts.hostname or ""
    path = parts.path
    if host in ("www.google.com", "google.com") and path.startswith("/amp/"):
        path = path[len("/amp") :]
    elif not host.endswith(".cdn.ampproject.org"):
        return None
    found = _AMP_CACHE.match(path)
    if not found:
        return None
    url = f"{'https' if found[1] else 'http'}://{found[2]}{found[3] or '/'}" + (f"?{parts.query}" if parts.query else "")
    return url if is_web(url) else None


def _quote(text: str, safe: str) -> str:
    """Write percent escapes one way: unreserved characters plain, the rest upper-case escapes; an escaped delimiter stays escaped."""
    if _PLAIN.fullmatch(text):
        return text
    pieces: list[str] = []
    at = 0
    for escape in _ESCAPE.finditer(text):
        pieces.append(quote(text[at : escape.start()].encode("utf-8", "surrogatepass"), safe=safe))
        byte = unquote_to_bytes(escape[0])
        plain = byte.decode("ascii", "ignore")
        pieces.append(plain if plain and (plain.isalnum() or plain in "-._~") else escape[0].upper())
        at = escape.end()
    pieces.append(quote(text[at:].encode("utf-8", "surrogatepass"), safe=safe))
    return "".join(pieces)


def _path(path: str) -> str:
    path = _quote(path, _SAFE_PATH)
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment not in ("", "."):
            kept.append(segment)
    path = "/" + "/".join(kept)
    while path != (shorter := _AMP_TAIL.sub("", path).rstrip("/") or "/"):
        path = shorter
    return path


def _query(query: str) -> str:
    kept: list[tuple[str, str]] = []
    for pair in query.split("&"):
        name, equals, value = pair.partition("=")
        if not name and not value:
            continue
        lowered = unquote_to_bytes(name).decode("utf-8", "replace").lower()
        if _TRACKER.fullmatch(lowered) or (lowered in _AMP_NAMES and value.lower() in _AMP_VALUES):
            continue
        kept.append((_quote(name, _SAFE_QUERY), equals + _quote(value, _SAFE_QUERY + "=")))
    kept.sort(key=lambda item: item[0])  # stable: repeated names keep their order
    return "&".join(name + value for name, value in kept)
