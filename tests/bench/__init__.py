"""What the pipeline itself costs, beside its peers and as it grows: `make bench`."""
