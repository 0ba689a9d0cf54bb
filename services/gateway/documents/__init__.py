"""The JSON documents of the API, one file per resource."""
