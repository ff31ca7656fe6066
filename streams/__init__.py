"""Streams: Articles become Claims and Alerts (cluster, segment, tag, claims, sightings, rules). Pure functions."""
