"""Takes back what one run wrote, batch by batch, from its manifests."""
