"""`python -m producers.sample`: serve the sample site until Ctrl-C, or write its pages into a folder."""

import time
from pathlib import Path

import click

from producers.sample.server import serve
from producers.sample.site import OTHER, current, render, sources
from tocsin.errors import TocsinError

DEFAULT_PORT = 8765


@click.command()
@click.option("--port", default=DEFAULT_PORT, show_default=True, help="Port to serve on; the next one serves the second host. 0: any.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Name or address to serve on; it stands in the site's own links.")
@click.option("--edition", type=click.IntRange(1, 2), default=1, show_default=True, help="2 shows the later edits and corrections.")
@click.option("--sources", "sources_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the sources file here.")
@click.option("--write", "folder", type=click.Path(file_okay=False, path_type=Path), help="Write the pages into this folder and stop.")
def main(port: int, host: str, edition: int, sources_file: Path | None, folder: Path | None) -> None:
    """Serve the sample site, on loopback unless told otherwise, until Ctrl-C.

    Example: python -m producers.sample --port 8765 --sources sources.yaml
    """
    try:
        if folder:
            click.echo(f"{write_pages(folder, edition)} pages in {folder}")
            return
        with serve(port, host) as site:
            site.edition = edition
            if sources_file:
                sources_file.write_text(sources(site.base_url), "utf-8")
            click.echo(f"Sample site, edition {edition}: {site.base_url}/ (second host {site.other_url}). Ctrl-C stops it.")
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        click.echo("Stopped.")
    except TocsinError as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        click.echo(f"error: cannot write {error.filename}: {error.strerror}; choose another place", err=True)
        raise SystemExit(2) from None


def write_pages(folder: Path, edition: int) -> int:
    """Write each page of `edition` as a file, encoded as served; returns how many. Addresses in them name a host that never answers."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = current(edition)
    for page in shown:
        stem = page.path.removeprefix(OTHER).removesuffix(".html").strip("/").replace("/", "-")
        html = render(page, "http://sample.invalid", "http://mirror.sample.invalid")
        (folder / f"{stem}.html").write_bytes(html.encode(page.encoding))
    return len(shown)


if __name__ == "__main__":
    main()
