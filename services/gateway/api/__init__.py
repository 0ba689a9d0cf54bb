"""The frame of the REST API: endpoints, who may call them, how often, how errors look. No resource is known here."""
