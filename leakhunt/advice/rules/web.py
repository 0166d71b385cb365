"""Known leaks: web frameworks, templates, serialisers."""

from __future__ import annotations

from leakhunt.advice.rule import Look, Rule, Sign

RULES = (
    Rule(
        "jinja2-template-per-task",
        "jinja2 templates or environments made in each task",
        "from_string() compiles a new module each time and caches nothing; each Environment has "
        "its own cache, filters and lexer.",
        "Make one Environment per process and call get_template(); put the values in the context, "
        "not in the source.",
        "https://jinja.palletsprojects.com/en/stable/api/#jinja2.Environment.from_string",
        (
            Sign(
                inside=(
                    Look(
                        "jinja2.environment",
                        r"Environment\.(?:from_string|__init__|compile|_generate|_parse|overlay)"
                        r"|Template\.(?:__new__|_from_namespace|from_code)"
                        r"|get_spontaneous_environment|create_cache",
                    ),
                ),
            ),
            Sign(line=r"\.from_string\(|\bjinja2\.(?:Template|Environment)\("),
        ),
    ),
    Rule(
        "django-template-per-task",
        "Django templates compiled in each task",
        "Template(source) parses and compiles anew every time; whoever keeps it keeps its node "
        "tree and source.",
        "Use get_template() with the cached loader and pass values in the context.",
        "https://docs.djangoproject.com/en/stable/ref/templates/api/#django.template.loaders.cached.Loader",
        (
            Sign(
                inside=(
                    Look(
                        "django.template.base|django.template.engine|django.template.backends.django",
                        r"Template\.(?:__init__|compile_nodelist)|(?:\w+)\.from_string",
                    ),
                )
            ),
        ),
    ),
    Rule(
        "mako-template-per-task",
        "Mako templates compiled in each task",
        "Each Template(text) compiles a module of its own.",
        "Use one TemplateLookup(collection_size=...) per process and get_template().",
        "https://docs.makotemplates.org/en/latest/usage.html",
        (
            Sign(
                inside=(
                    Look(
                        "mako.template|mako.lookup", r"Template\.__init__|_compile\w*|\w+\.put_\w+"
                    ),
                )
            ),
        ),
    ),
    Rule(
        "flask-app-per-task",
        "a Flask app made in each task",
        "An app brings its URL map, template environment and extensions, which often register the "
        "app globally.",
        "Make the app once per process and use with app.app_context() in the task.",
        "https://flask.palletsprojects.com/en/stable/patterns/celery/",
        (
            Sign(
                inside=(
                    Look(
                        "flask.app|flask.sansio.app|fastapi.applications|starlette.applications",
                        r"\w+\.__init__",
                    ),
                )
            ),
            Sign(line=r"\bcreate_app\(|(?<![\w.])(?:Flask|FastAPI)\("),
        ),
    ),
    Rule(
        "flask-context-pushed",
        "an app or request context that is pushed and never popped",
        "Each push keeps the context with g and what was put on it; without pop() the stack grows "
        "and teardown (sessions, connections) never runs.",
        "with app.app_context(): around the task's body.",
        "https://flask.palletsprojects.com/en/stable/appcontext/",
        (
            Sign(inside=(Look("flask.ctx", r"\w+Context\.(?:push|__init__|__enter__)"),)),
            Sign(line=r"_context\([^()]*\)\.push\("),
        ),
    ),
    Rule(
        "pydantic-model-per-task",
        "pydantic models made at run time",
        "Each create_model() or TypeAdapter() builds a class or validator with a core schema of "
        "tens of KiB; classes are cyclic and referenced from many caches.",
        "Make models and adapters once at module level, or cache them by a small key.",
        "https://docs.pydantic.dev/latest/concepts/performance/",
        (
            Sign(
                inside=(
                    Look(
                        "pydantic.main|pydantic._internal.*|pydantic.type_adapter|pydantic.v1.main"
                        "|pydantic.dataclasses",
                        r"create_model|ModelMetaclass\.__new__|TypeAdapter\.__init__"
                        r"|complete_model_class|dataclass(?:\..*)?",
                    ),
                )
            ),
            Sign(line=r"\bcreate_model\(|\bTypeAdapter\("),
        ),
    ),
    Rule(
        "class-per-task",
        "classes made at run time",
        "A class is a few KiB in reference cycles, and it stays in its base's subclasses, in "
        "type caches and in whatever made instances of it.",
        "Make it once at module level, or cache it by a small key; a dict or SimpleNamespace often "
        "does.",
        "https://docs.python.org/3/library/functions.html#type",
        (
            Sign(
                inside=(
                    Look(
                        "collections|dataclasses|enum|types|typing|attr._make|attr._next_gen|abc",
                        r"namedtuple|make_dataclass|_process_class|dataclass(?:\..*)?"
                        r"|Enum(?:Meta|Type)\.(?:__new__|_create_|__call__)|new_class"
                        r"|ABCMeta\.__new__|NamedTupleMeta\.__new__|attrs(?:\..*)?|define(?:\..*)?"
                        r"|_ClassBuilder\.\w+",
                    ),
                )
            ),
            Sign(
                line=r"(?<![\w.])type\(\s*[^,()]+,\s*\(|\bnamedtuple\(|\bmake_dataclass\("
                r"|\btypes\.new_class\(|^class \w+\s*[(:]|(?<![\w.])Enum\(\s*f?[\"']"
            ),
        ),
    ),
    Rule(
        "dateparser-settings",
        "dateparser's caches, one entry per settings value",
        "dateparser caches dictionaries and expressions per settings; a RELATIVE_BASE of now is "
        "new each time.",
        "Leave RELATIVE_BASE out and add the difference yourself, or round it to the day.",
        "https://github.com/scrapinghub/dateparser/issues/985",
        (Sign(inside=(Look("dateparser.conf|dateparser.languages.*"),)),),
    ),
    Rule(
        "protobuf-descriptors",
        "protobuf descriptors added at run time",
        "A DescriptorPool never forgets: each file added and each message class made from it stays.",
        "Generate the classes at build time; for dynamic ones keep one pool and look the message "
        "up by name.",
        "https://googleapis.dev/python/protobuf/latest/google/protobuf/descriptor_pool.html",
        (
            Sign(
                inside=(
                    Look(
                        "google.protobuf.descriptor_pool|google.protobuf.message_factory"
                        "|google.protobuf.symbol_database|google.protobuf.reflection"
                        "|google.protobuf.proto_builder",
                    ),
                )
            ),
        ),
    ),
)
