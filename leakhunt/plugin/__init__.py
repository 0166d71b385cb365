"""The pytest plugin's rooms: the tests' process observes, another judges. See ``leakhunt/gate/README.md``."""
