"""`tocsin setup kibana`: data views and dashboards into a Kibana."""

from pathlib import Path

import click

from tocsin.cli.options import config_option, settings_from
from tocsin.cli.screen import one_line
from tocsin.records import Record


class Done(Record, frozen=True, kw_only=True):
    """One thing that was done."""

    what: str  # version, imported, warning, default, made, changed
    name: str
    detail: str = ""


@click.command(
    "kibana",
    epilog="""\b
Examples:
  tocsin setup kibana
  TOCSIN_KIBANA_PASSWORD_FILE=/run/secrets/kibana tocsin setup kibana --url https://kibana.example:5601 --space desk
  tocsin setup kibana --rule""",
)
@click.option("--url", default=None, metavar="ADDRESS", help="Address of Kibana (setting `kibana`).")
@click.option("--space", default="", metavar="ID", help="Space to import into; default: Kibana's own default space.")
@click.option("--rule", "with_rule", is_flag=True, help="Also make the sample rule over our alerts, switched off, with its connector.")
@click.option(
    "--default/--no-default",
    "default",
    default=None,
    help="Let Discover open with our claims: always, or never; else where nothing is chosen.",
)
@click.option(
    "--wait", default=120.0, type=click.FloatRange(min=0), metavar="SECONDS", help="How long to wait for Kibana to come up; default 120."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
@config_option
def setup_kibana(
    url: str | None, space: str, with_rule: bool, default: bool | None, wait: float, as_json: bool, config: Path | None
) -> None:
    """Data views, saved searches and dashboards for Kibana 8.12 and later; safe on every deploy.

    Run it after `tocsin setup elasticsearch`. Objects of ours that are there are overwritten: copy a dashboard before you change it.
    """
    from deploy.kibana import content, rule, saved_objects
    from deploy.kibana.client import Kibana
    from deploy.kibana.objects import data_view_id
    from tocsin.cli.screen import write_json

    settings = settings_from(config, kibana=url)
    kibana = Kibana(settings, space)
    major, minor = kibana.wait(wait, told=lambda text: click.echo(one_line(text), err=True))
    imported = kibana.load(saved_objects(settings.prefix))
    done = [Done(what="version", name=f"{major}.{minor}", detail=kibana.address)]
    done.append(Done(what="imported", name=str(imported.objects), detail="data views, searches, charts, a map and dashboards"))
    done += [Done(what="warning", name="", detail=text) for text in imported.warnings]
    if default is not False:
        view = data_view_id(settings.prefix, content.DEFAULT_VIEW)
        ours = imported.ids.get(("index-pattern", view), view)
        chosen = kibana.make_default(ours, force=bool(default))
        detail = "what Discover opens with" if chosen == ours else "chosen before and left alone: --default changes it"
        done.append(Done(what="default", name=chosen, detail=detail))
    if with_rule:
        target, body = rule.connector(settings.prefix, space)
        made = kibana.put("the connector", f"/api/actions/connector/{target}", body, ("connector_type_id",))
        done.append(Done(what="made" if made else "changed", name=target, detail="connector"))
        target, body = rule.rule(settings.prefix, space)
        made = kibana.put("the rule", f"/api/alerting/rule/{target}", body, ("rule_type_id", "consumer", "enabled"))
        done.append(Done(what="made" if made else "changed", name=target, detail="rule, switched off" if made else "rule"))
    for step in done:
        if as_json:
            write_json(step)
        else:
            click.echo(one_line(f"{step.what:9} {step.name}  {step.detail}".rstrip()))
