"""Results in Elasticsearch: setting it up, writing what the topics carry, finding it again."""
