"""The sample site: invented outlets, served on loopback, that report real and public facts.

`pages/` holds what the outlets wrote, `templates/` their page layouts, `outlets.yaml` who they are and every address that is not
an article (redirects, refusals, errors). `site` turns them into answers (pure), `server` serves the answers over HTTP.
`tests/golden/sample_expected.yaml` says what a person finds in each page.
"""
