"""Under which addresses a page may have been kept."""


def spellings(url: str) -> list[str]:
    """The URL as given, then as it may have been kept: without fragment, with or without the last slash, http or https."""
    url = url.encode("utf-8", "replace").decode()
    plain = url.split("#", 1)[0]
    bare = plain.rstrip("/")
    found = [url, plain, bare, bare + "/"]
    for scheme, other in (("https://", "http://"), ("http://", "https://")):
        found += [other + item[len(scheme) :] for item in (plain, bare, bare + "/") if item.startswith(scheme)]
    return list(dict.fromkeys(found))
