"""Whether a callable keeps memory, decided while it runs: see ``README.md`` in this folder."""
