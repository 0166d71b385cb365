"""Known leaks: data frames, arrays, images, documents, models."""

from __future__ import annotations

from leakhunt.advice.rule import Look, Rule, Sign

RULES = (
    Rule(
        "dataframes-kept",
        "DataFrames that are kept",
        "A DataFrame is large and often shares its blocks with the frame it was cut from: a small "
        "slice keeps the whole.",
        "Keep it in the scope of a function, `del df` when done, keep .copy() of small parts or "
        "plain results only.",
        "https://pandas.pydata.org/docs/user_guide/copy_on_write.html",
        (
            Sign(inside=(Look("pandas|pandas.*|polars|polars.*|geopandas.*|modin.*"),)),
            Sign(
                line=r"\b(?:pd|pandas|pl|polars|gpd)\.(?:read_\w+|DataFrame|LazyFrame|Series|concat|merge"
                r"|json_normalize|from_\w+)\("
            ),
        ),
    ),
    Rule(
        "numpy-arrays-kept",
        "numpy arrays that are kept",
        "A slice is a view: it keeps the whole array under it alive, however small it is.",
        "Keep array[...].copy(), and let the large array go with its function (or `del` it).",
        "https://numpy.org/doc/stable/user/basics.copies.html",
        (
            Sign(line=r"\b(?:np|numpy)\.\w+", block=(4096, float("inf"))),
            Sign(inside=(Look("numpy|numpy.*"),), block=(1024, float("inf"))),
            Sign(inside=(Look("scipy|scipy.*"),), block=(1024, float("inf"))),
        ),
    ),
    Rule(
        "model-per-task",
        "a model loaded in each task",
        "Loading brings weights, vocabularies and a graph of modules; it is meant to be done once "
        "per process.",
        "Load it once (worker_process_init or a module-level lru_cache(maxsize=1)) and reuse it.",
        "https://docs.celeryq.dev/en/stable/userguide/signals.html#worker-process-init",
        (
            Sign(
                inside=(
                    Look(
                        "transformers|transformers.*|sentence_transformers.*|diffusers.*",
                        r"pipeline|(?:\w+\.)?from_pretrained|SentenceTransformer\.__init__",
                    ),
                )
            ),
            Sign(inside=(Look("spacy|spacy.util", r"load|load_model\w*"),)),
            Sign(
                inside=(
                    Look(
                        "joblib.numpy_pickle|torch.serialization|keras.*|tensorflow.*|whisper|onnxruntime.*|xgboost.*|lightgbm.*",
                        r"load|load_model\w*|InferenceSession\.__init__|Booster\.__init__",
                    ),
                )
            ),
            Sign(
                line=r"\bfrom_pretrained\(|\btransformers\.pipeline\(|\bspacy\.load\(|\bjoblib\.load\("
                r"|\btorch\.load\(|\bSentenceTransformer\(|\bwhisper\.load_model\("
            ),
        ),
    ),
    Rule(
        "spacy-vocab",
        "spaCy's vocabulary, which learns every new word",
        "The pipeline's Vocab and StringStore keep each new string; a kept Doc or Span keeps its "
        "whole document.",
        "with nlp.memory_zone(): around each batch (spaCy 3.8 and later), or reload the pipeline "
        "now and then.",
        "https://spacy.io/usage/memory-management",
        (
            Sign(
                inside=(
                    Look("spacy.language", r"Language\.(?:__call__|pipe|make_doc|_ensure_doc)"),
                )
            ),
        ),
    ),
    Rule(
        "chat-history",
        "a conversation that is never trimmed",
        "Every turn is appended and sent again; a memory or history that outlives the task keeps "
        "all of it.",
        "Keep the last turns only (trim_messages, a deque with maxlen), and store histories outside "
        "the process.",
        "https://docs.langchain.com/oss/python/langchain/short-term-memory",
        (
            Sign(
                inside=(
                    Look(
                        "langchain.memory|langchain.memory.*|langchain_core.chat_history|langchain_core.memory"
                        "|langchain_classic.memory.*|langchain_community.chat_message_histories.*"
                        "|langgraph.checkpoint.memory",
                    ),
                )
            ),
            Sign(
                line=r"\b\w*(?:messages|histor\w*|conversation|chat)\w*\.append\(\s*\{\s*[\"'](?:role|\*\*\*)[\"']"
            ),
        ),
    ),
    Rule(
        "matplotlib-figures",
        "matplotlib figures that are never closed",
        "pyplot keeps every figure it makes until plt.close(), so that it can show them.",
        "plt.close(fig) in finally, or matplotlib.figure.Figure() without pyplot.",
        "https://matplotlib.org/stable/gallery/user_interfaces/web_application_server_sgskip.html",
        (
            Sign(
                inside=(
                    Look(
                        "matplotlib.pyplot|pylab|seaborn.*",
                        r"figure|subplots?|gcf|gca|new_figure_manager|subplot_mosaic|plot|axes",
                    ),
                )
            ),
            Sign(inside=(Look("matplotlib.*|mpl_toolkits.*"),)),
            Sign(line=r"\b(?:plt|pyplot)\.(?:figure|subplots?|plot|gcf)\("),
        ),
    ),
    Rule(
        "images-never-closed",
        "images that are never closed",
        "A PIL image keeps its pixels, and a lazily opened one its file, until it is closed or "
        "dropped.",
        "with Image.open(path) as image, and keep results, not images.",
        "https://pillow.readthedocs.io/en/stable/reference/open_files.html",
        (
            Sign(inside=(Look("PIL|PIL.*"),)),
            Sign(line=r"\bImage\.(?:open|new|frombytes|fromarray)\(", never_line=r"^with\b"),
        ),
    ),
    Rule(
        "workbooks-kept",
        "spreadsheets that are kept",
        "A workbook is an object per cell, fifty times the file's size; a read-only one keeps its "
        "file open until close().",
        "load_workbook(read_only=True) or Workbook(write_only=True), workbook.close() in finally.",
        "https://openpyxl.readthedocs.io/en/stable/optimized.html",
        (
            Sign(inside=(Look("openpyxl|openpyxl.*|xlsxwriter.*|xlrd|xlrd.*|xlwt.*"),)),
            Sign(
                line=r"\bload_workbook\(|\b(?:openpyxl|xlsxwriter)\.Workbook\(",
                never_line=r"^with\b",
            ),
        ),
    ),
    Rule(
        "pdf-pages-kept",
        "PDF pages whose caches are kept",
        "pdfplumber and pdfminer cache layout, characters and text of every page they have read.",
        "page.close() after each page, with pdfplumber.open(path) as pdf; keep text, not pages.",
        "https://github.com/jsvine/pdfplumber/issues/193",
        (
            Sign(
                inside=(Look("pdfplumber|pdfplumber.*|pdfminer|pdfminer.*|pypdf|pypdf.*|PyPDF2.*"),)
            ),
        ),
    ),
    Rule(
        "soup-strings-kept",
        "parts of a BeautifulSoup tree that are kept",
        "A Tag or NavigableString refers to its parents and siblings: one kept string keeps the "
        "whole document.",
        "Keep str(tag.string) or tag.get_text(), and soup.decompose() when done.",
        "https://www.crummy.com/software/BeautifulSoup/bs4/doc/#navigablestring",
        (Sign(inside=(Look("bs4|bs4.*"),)), Sign(line=r"\bBeautifulSoup\(")),
    ),
    Rule(
        "lxml-trees-kept",
        "parts of an lxml tree that are kept",
        "An element, or a string from xpath(), refers to its tree: it keeps the whole document in "
        "native memory.",
        "Keep str(value); use xpath(..., smart_strings=False); element.clear() while iterating.",
        "https://lxml.de/xpathxslt.html#xpath-return-values",
        (
            Sign(
                line=r"\b(?:etree|lxml\.html|html)\.(?:fromstring|parse|HTML|XML|document_fromstring)\("
                r"|\.xpath\(",
                itself=True,
            ),
            Sign(inside=(Look("lxml|lxml.*"),)),
        ),
    ),
    Rule(
        "xml-iterparse",
        "an XML tree that iterparse builds on the side",
        "iterparse() still builds the whole tree: elements that are not cleared stay until the root "
        "goes.",
        "element.clear() after each one, and root.clear() where siblings matter.",
        "https://docs.python.org/3/library/xml.etree.elementtree.html#xml.etree.ElementTree.iterparse",
        (
            Sign(
                inside=(
                    Look(
                        "xml.etree.ElementTree",
                        r"iterparse(?:\..*)?|XMLPullParser\.\w+|IterParseIterator\.\w+",
                    ),
                )
            ),
            Sign(line=r"\biterparse\("),
        ),
    ),
    Rule(
        "dom-never-unlinked",
        "minidom documents that are kept",
        "minidom nodes refer to each other in cycles; kept nodes keep the document.",
        "with minidom.parseString(...) as document, or document.unlink().",
        "https://docs.python.org/3/library/xml.dom.minidom.html#xml.dom.minidom.Node.unlink",
        (Sign(inside=(Look("xml.dom.*"),)),),
    ),
    Rule(
        "faker-unique",
        "Faker's memory of unique values",
        "fake.unique remembers every value it gave, so that none comes twice.",
        "fake.unique.clear() after each batch, or uuid4 where values only need to differ.",
        "https://faker.readthedocs.io/en/master/#unique-values",
        (
            Sign(inside=(Look("faker.proxy", r"UniqueProxy\..*"),)),
            Sign(line=r"\.unique\.\w+\("),
        ),
    ),
)
