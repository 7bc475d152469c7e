"""The fixed parts of the page: what is left and right of the chat, and above it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

HERE = Path(__file__).parent

RAIL = """
<nav id="fn-rail" aria-label="Conversations and library">
<div class="fn-brand"><b>Footnote</b><button type="button" data-rail aria-label="Close this list">×</button></div>
<div class="fn-views" role="group" aria-label="What is shown" hidden>
<button type="button" data-view="chat" aria-current="true">Chat</button>
<button type="button" data-view="evaluation">Evaluation<span></span></button></div>
<button type="button" class="fn-new" data-new>New conversation</button>
<section aria-label="Conversations"><h3>Conversations</h3>
<input name="find" type="search" placeholder="Find a conversation" aria-label="Find a conversation">
<ul class="fn-conversations"></ul></section>
<section class="fn-shelf" aria-label="Library"><h3>Library <span class="fn-held"></span>
<button type="button" data-add>Add files</button></h3>
<ul class="fn-watches" aria-live="polite"></ul>
<input id="fn-files" type="file" multiple hidden aria-label="Add files">
<input name="filter" type="search" placeholder="Find a source" aria-label="Find a source">
<form class="fn-addresses"><input name="addresses" placeholder="Add a web page: https://…"
 aria-label="Addresses of web pages to add"><button>Add</button></form>
<label class="fn-into" hidden>Add into <select name="into"></select></label>
<ul class="fn-jobs" aria-live="polite"></ul>
<button type="button" class="fn-quiet" data-dismiss hidden>Dismiss</button>
<ul class="fn-library"></ul></section>
<footer id="fn-foot"></footer>
<p class="fn-reader" hidden><span></span> <a href="logout">Sign out</a></p>
</nav>
<template id="fn-menu"><details class="fn-menu"><summary aria-label="More"></summary><div>
<button type="button" data-do="rename">Rename</button>
<button type="button" data-do="md">Save as Markdown</button>
<button type="button" data-do="html">Save to print</button>
<button type="button" data-do="json">Save as JSON</button>
<button type="button" data-do="delete">Delete…</button></div></details></template>
<template id="fn-complaint"><form class="fn-complaint">
<label>What is wrong with it?<textarea name="reason" rows="2"></textarea></label>
<label class="fn-check"><input type="checkbox" name="case"> Make this an eval case, so that it is
asked again by <code>footnote eval run</code></label>
<fieldset hidden><label>The words that answer it, copied from the document; empty if the library
does not answer it<textarea name="quote" rows="2"></textarea></label>
<label>They stand in<select name="source"></select></label></fieldset>
<p><button class="fn-send">Send</button><button type="button" class="fn-quiet">Cancel</button></p>
</form></template>
<dialog id="fn-dialog"><form method="dialog"><p></p><div>
<button value="no" class="fn-quiet" autofocus>Cancel</button><button value="yes"></button></div></form></dialog>
<dialog id="fn-move"><form method="dialog"><h3>Collection</h3><p></p>
<label>It is in<select name="collection"></select></label>
<label hidden>Name of the new collection<input name="name" maxlength="64" autocomplete="off"></label>
<div><button type="button" class="fn-quiet">Cancel</button><button value="yes">Move</button></div></form></dialog>
<p id="fn-say" role="status" aria-live="polite"></p>
<p id="fn-drop" aria-hidden="true">Drop files to add them to the library</p>
"""  # noqa: E501

VIEWER = """
<aside id="fn-viewer" aria-label="Document"><div class="fn-bar">
<button type="button" data-step="-1" aria-label="Previous citation" title="Previous citation (k)">‹</button>
<span class="fn-count" aria-live="polite"></span>
<button type="button" data-step="1" aria-label="Next citation" title="Next citation (j)">›</button>
<button type="button" class="fn-quiet" data-back-to>Back to the sentence</button>
<button type="button" data-close aria-label="Close the document" title="Close (Esc)">×</button></div>
<div class="fn-shown" tabindex="0"></div></aside>
"""  # noqa: E501


def hero(questions: Sequence[str]) -> str:
    """What an empty conversation shows: what this is, and questions to begin with."""
    rows = "".join(
        f'<li><button type="button" class="fn-ask" dir="auto">{escape(q)}</button></li>'
        for q in questions
    )
    return (
        '<header class="fn-top"><button type="button" data-rail aria-label="Conversations and '
        'library">☰</button><h1>Footnote</h1><p>Ask your documents. Every sentence shows the '
        f'words it stands on.</p><ul id="fn-examples">{rows}</ul></header>'
    )


def theme_script() -> str:
    """What is done before anything is shown: the theme that was chosen in this browser."""
    return f"<script>{(HERE / 'theme.js').read_text(encoding='utf-8')}</script>"


def script() -> str:
    """The page's own script."""
    files = sorted((HERE / "js").glob("*.js"))
    body = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return f"(async () => {{\n{body}\n}})();"
