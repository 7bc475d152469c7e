"""Who may sign in, and what nobody gets who has not: the file, the commands, a real server."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from rag.errors import BadInput
from rag.index import Index, open_index
from tests.conftest import ROOT
from tests.test_ui_web import BOX, CHROMIUM, QUIET
from ui import users as users_module
from ui.cli import main
from ui.users import Users, put_user, read_users, remove_user
from ui.web.app import start
from ui.web.bench import free_port

PASSWORD = "correct horse"
SECRET = "Who put up the first equity for Stargate?"
pytestmark = [
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "users.txt"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [1000.0]
    monkeypatch.setattr(users_module.time, "monotonic", lambda: now[0])
    yield now


def test_the_file_holds_no_password_and_only_its_owner_reads_it(file: Path) -> None:
    file.write_text("", encoding="utf-8")
    file.chmod(0o666)
    assert put_user(file, "ada", PASSWORD)
    put_user(file, "bob", PASSWORD, ["hr", "legal"])
    text = file.read_text(encoding="utf-8")
    assert PASSWORD not in text
    first, second = text.splitlines()
    assert re.fullmatch(r"ada:\$scrypt\$ln=15,r=8,p=3\$[\w+/]{22}\$[\w+/]{43}", first)
    assert second.endswith(":hr,legal")
    # The same password twice, each with a salt of its own.
    assert first.split("$")[3:] != second.split(":")[1].split("$")[3:]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_only_the_right_password_of_a_known_name_is_right(file: Path) -> None:
    put_user(file, "ada", PASSWORD)
    users = Users(file)
    assert users.check("ada", PASSWORD)
    for name, password in (("ada", "wrong horse"), ("bob", PASSWORD), ("ada", ""), ("", "")):
        assert not users.check(name, password)


def test_a_changed_file_counts_at_once(file: Path) -> None:
    put_user(file, "ada", PASSWORD, ["hr"])
    users = Users(file)
    assert not put_user(file, "ada", "another password")
    assert users.check("ada", "another password") and not users.check("ada", PASSWORD)
    assert users.collections("ada") == ("hr",)
    put_user(file, "bob", PASSWORD)
    remove_user(file, "ada")
    assert not users.knows("ada") and not users.check("ada", "another password")
    assert users.knows("bob") and users.collections("bob") is None
    with pytest.raises(BadInput, match="not signed in any more"):
        users.collections("ada")
    with pytest.raises(BadInput, match="footnote users list"):
        remove_user(file, "ada")


@pytest.mark.parametrize("known", [True, False])
def test_guessing_becomes_slow_for_any_name(file: Path, clock: list[float], known: bool) -> None:
    put_user(file, "ada", PASSWORD)
    put_user(file, "bob", PASSWORD)
    users = Users(file)
    name = "ada" if known else "eve"
    for _ in range(users_module.FREE):
        assert not users.check(name, "wrong horse")
    # The right one is not looked at now, whatever it takes to find out.
    assert not users.check(name, PASSWORD)
    assert users.check("bob", PASSWORD)
    clock[0] += 1.5
    assert not users.check(name, "wrong horse")
    clock[0] += 1.5
    assert not users.check(name, PASSWORD)
    clock[0] += users_module.LONGEST_WAIT
    assert users.check(name, PASSWORD) is known


@pytest.mark.parametrize(
    "line",
    ["ada", "ada:secret", "ada:$scrypt$ln=15,r=8,p=3$!$x", ":$scrypt$ln=15,r=8,p=3$YQ$YQ", ""],
)
def test_a_malformed_line_is_named_but_not_shown(file: Path, line: str) -> None:
    put_user(file, "bob", PASSWORD)
    with file.open("a", encoding="utf-8") as text:
        text.write(line + "\n")
    with pytest.raises(BadInput, match="line 2 of") as caught:
        Users(file)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "collection",
    [
        "",
        " Legal",
        "a,b",
        "a:b",
        "x" * 65,
        *(f"a{c}b" for c in "\n\r\x0b\x0c\x1c\x85\u2028\u2029"),
        "\udc80",
    ],
)
def test_what_no_collection_can_be_called_is_refused_and_the_file_stays(
    file: Path, collection: str
) -> None:
    put_user(file, "ada", PASSWORD)
    with pytest.raises(BadInput, match="collection"):
        put_user(file, "bob", PASSWORD, [collection])
    assert list(read_users(file)) == ["ada"]


def test_only_a_line_feed_ends_a_line_of_the_file(file: Path) -> None:
    put_user(file, "ada", PASSWORD, ["hr"])
    file.write_text(file.read_text("utf-8").replace("hr", "h\u2028r"), encoding="utf-8")
    assert read_users(file)["ada"].collections == ("h\u2028r",)


def test_the_commands_add_list_and_remove(file: Path) -> None:
    def run(*words: str, given: str = "") -> Result:
        return CliRunner().invoke(main, ["users", *words, "--auth-file", str(file)], input=given)

    added = run("add", "ada", given=PASSWORD + "\n")
    assert added.exit_code == 0 and added.output == f"added ada in {file}\n"
    assert run("add", "bob", "--collection", "hr", given=PASSWORD + "\n").exit_code == 0
    assert run("list").output == "ada: everything\nbob: hr, what is in no collection\n"
    assert Users(file).check("ada", PASSWORD)
    assert "8 to 1,024 characters" in run("add", "eve", given="short\n").output
    assert "is no name" in run("add", "a:b", given=PASSWORD + "\n").output
    assert "no password" in run("add", "eve").output
    assert run("remove", "ada").exit_code == 0
    assert list(read_users(file)) == ["bob"]


@pytest.mark.parametrize("second", [PASSWORD, "another horse"])
def test_on_a_terminal_the_password_is_typed_twice_and_not_seen(file: Path, second: str) -> None:
    terminal, end = os.openpty()
    words = ["-m", "ui.cli", "users", "add", "ada", "--auth-file", str(file)]
    with subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
    ) as process:
        os.close(end)
        seen = b""
        for prompt, typed in ((b"Password: ", PASSWORD), (b"confirmation: ", second)):
            while not seen.endswith(prompt):
                seen += os.read(terminal, 1000)
            os.write(terminal, typed.encode() + b"\n")
        while b"do not match" not in seen and b"added ada" not in seen:
            seen += os.read(terminal, 1000)
        process.kill()
    os.close(terminal)
    assert PASSWORD.encode() not in seen and second.encode() not in seen
    assert file.exists() is (second == PASSWORD)
    assert second != PASSWORD or Users(file).check("ada", PASSWORD)


def test_another_address_needs_users(
    tmp_path: Path, sample_folder: Path, sample: Index, file: Path
) -> None:

    words = ["serve", "--index", str(sample_folder), "--host", "0.0.0.0"]
    refused = CliRunner().invoke(main, words)
    assert refused.exit_code == 1
    assert "everyone who reaches this machine could read the library" in refused.output
    assert "footnote users add NAME --auth-file FILE" in refused.output
    nobody = CliRunner().invoke(main, [*words, "--auth-file", str(file)])
    assert "footnote users add NAME" in nobody.output
    file.write_text("", encoding="utf-8")
    assert "names nobody" in CliRunner().invoke(main, [*words, "--auth-file", str(file)]).output
    with pytest.raises(BadInput, match="everyone who reaches"):
        start(sample, "0.0.0.0", free_port())


def served(
    index: Index, users: Users | None, collections: tuple[str, ...] | None = None
) -> tuple[Any, str]:
    """A server, and its address."""

    async def inside() -> tuple[Any, str]:
        return start(index, "127.0.0.1", free_port(), users=users, collections=collections)

    # Where no event loop runs, Gradio makes many and leaves them open.
    app, url = asyncio.run(inside())
    return app, url.rstrip("/")


@pytest.fixture(scope="module")
def address(
    sample_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """A server with the users ada and bob, and their file."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(sample_folder, folder / "index")
    file = folder / "users"
    for name in ("ada", "bob"):
        put_user(file, name, PASSWORD)
    with open_index(folder / "index") as index:
        app, url = served(index, Users(file))
        yield url, file
        app.close(verbose=False)


@contextmanager
def signed_in(address: str, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=60) as client:
        answer = client.post("/login", data={"username": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        yield client


def rail(client: httpx.Client) -> int:
    """The number of the component that has the page's functions."""
    found = client.get("/config").json()["components"]
    return next(c["id"] for c in found if c["props"].get("server_fns"))


def call(client: httpx.Client, component: int, name: str, row: dict[str, Any]) -> httpx.Response:
    body = {"session_hash": "s", "component_id": component, "fn_name": name, "data": row}
    return client.post("/gradio_api/component_server", json=body)


def send(
    client: httpx.Client,
    event: str,
    data: dict[str, Any],
    session: str = "",
    settings: dict[str, Any] | None = None,
    scope: str = "",
) -> list[Any]:
    """Send an event as the page's script does, and return its outputs.

    ``settings`` are values of controls, by their label, ``scope`` the ids of chosen sources
    as JSON.
    """
    config = client.get("/config").json()
    component = rail(client)
    wanted = next(d for d in config["dependencies"] if [component, event] in d["targets"])
    values = {c["id"]: c["props"].get("value") for c in config["components"]}
    labels = {c["props"].get("label"): c["id"] for c in config["components"]}
    values |= {labels[label]: value for label, value in (settings or {}).items()}
    values |= {
        c["id"]: scope for c in config["components"] if c["props"].get("elem_id") == "fn-scope"
    }
    session = session or secrets.token_hex(6)
    joined = client.post(
        "/gradio_api/queue/join",
        json={
            "data": [values[i] for i in wanted["inputs"]],
            "fn_index": wanted["id"],
            "session_hash": session,
            "event_data": data,
            "trigger_id": component,
        },
    )
    assert joined.status_code == 200, joined.text
    with client.stream("GET", f"/gradio_api/queue/data?session_hash={session}") as lines:
        shown: list[Any] = []
        for line in lines.iter_lines():
            message = json.loads(line.removeprefix("data: ")) if line else {}
            if message.get("msg") == "process_generating":
                shown = shown or message["output"]["data"]
            if message.get("msg") == "process_completed":
                if not message["success"]:
                    return [message]
                return [*shown, *message["output"]["data"]]
    raise AssertionError("the server said nothing")


def first_id(client: httpx.Client) -> str:
    html = call(client, rail(client), "conversations", {}).json()["html"]
    found = re.search('data-id="([^"]+)"', html)
    assert found is not None
    return found[1]


def test_nothing_is_reached_without_signing_in(address: tuple[str, Path], tmp_path: Path) -> None:
    url, _ = address
    with signed_in(url, "ada") as ada:
        component = rail(ada)
        assert call(ada, component, "library", {}).json()["html"]
        routes = ada.get("/gradio_api/openapi.json")
        assert routes.status_code == 200
        sent = ada.post("/gradio_api/upload", files={"files": ("x.txt", b"ada's own")})
        assert sent.status_code == 200
        (uploaded,) = sent.json()
        assert ada.get(f"/gradio_api/file={uploaded}").text == "ada's own"
        assert ada.get(f"/gradio_api/file={tmp_path}").status_code in (403, 404)
    with httpx.Client(base_url=url, timeout=60) as nobody:
        page = nobody.get("/")
        assert page.status_code == 200 and "auth_required" in page.text
        assert "fn-rail" not in page.text
        for name in ("view", "library", "conversations", "export", "add", "jobs", "suggest"):
            assert call(nobody, component, name, {}).status_code == 401
        for route in (
            f"/gradio_api/file={uploaded}",
            "/config",
            "/gradio_api/info",
            "/gradio_api/openapi.json",
            "/gradio_api/queue/data?session_hash=s",
            "/gradio_api/queue/status",
            "/gradio_api/heartbeat/s",
            "/gradio_api/user",
            "/gradio_api/token",
            "/gradio_api/runs",
            "/gradio_api/deep_link",
            "/monitoring/summary",
            "/logout",
        ):
            assert nobody.get(route).status_code == 401, route
        assert nobody.post("/gradio_api/upload", files={"files": b"x"}).status_code == 401
        assert nobody.post("/gradio_api/queue/join", json={"data": []}).status_code == 401
        wrong = nobody.post("/login", data={"username": "ada", "password": "wrong horse"})
        assert wrong.status_code == 400 and not nobody.cookies


def test_nobody_gets_at_the_conversations_of_another(address: tuple[str, Path]) -> None:
    url, _ = address
    with signed_in(url, "ada") as ada, signed_in(url, "bob") as bob:
        shown = send(ada, "ask", {"question": SECRET}, session="hers")
        assert "Stargate" in str(shown)
        hers = first_id(ada)
        assert not call(bob, rail(bob), "conversations", {}).json()["html"]
        assert not call(bob, rail(bob), "conversations", {"words": "Stargate"}).json()["html"]
        for name, row in (
            ("rename", {"title": "his"}),
            ("delete", {}),
            ("export", {"form": "json"}),
            ("vote", {"number": 1, "vote": -1, "case": True}),
        ):
            answer = call(bob, rail(bob), name, {"id": hers, **row}).json()
            assert "not there any more" in answer["error"], name
        assert "Stargate" not in str(send(bob, "open", {"id": hers}))
        # Not even with what names her visit, which no other browser knows.
        taken = send(bob, "ask", {"question": "What of its first campus?"}, session="hers")
        assert SECRET not in str(taken)
        assert first_id(bob) != hers
        (kept,) = json.loads(
            call(ada, rail(ada), "export", {"id": hers, "form": "json"}).json()["text"]
        )["exchanges"]
        assert (kept["question"], kept["vote"]) == (SECRET, 0)
        assert "Stargate" in str(send(ada, "open", {"id": hers}))


def test_the_cookie_is_kept_from_scripts_and_other_sites(address: tuple[str, Path]) -> None:
    url, _ = address
    form = {"username": "ada", "password": PASSWORD}
    plain = httpx.post(f"{url}/login", data=form).headers.get_list("set-cookie")
    assert len(plain) == 1
    assert "HttpOnly" in plain[0] and "SameSite=Lax" in plain[0] and "Secure" not in plain[0]
    # As behind a proxy that speaks HTTPS to the browser.
    proxied = httpx.post(f"{url}/login", data=form, headers={"x-forwarded-proto": "https"})
    (secure,) = proxied.headers.get_list("set-cookie")
    assert "HttpOnly" in secure and "SameSite=Lax" in secure and "Secure" in secure
    stolen = httpx.post(f"{url}/login", data=form, headers={"Origin": "https://evil.example"})
    assert stolen.status_code == 403


def test_who_is_taken_out_is_signed_out(address: tuple[str, Path]) -> None:
    url, file = address
    put_user(file, "eve", PASSWORD)
    with signed_in(url, "eve") as eve:
        assert eve.get("/config").status_code == 200
        remove_user(file, "eve")
        assert eve.get("/config").status_code == 401
        assert "auth_required" in eve.get("/").text
        put_user(file, "eve", "another password")
        assert eve.get("/config").status_code == 401
    remove_user(file, "eve")


def test_a_password_being_checked_holds_up_nobody(
    address: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = address
    entered, go_on = threading.Event(), threading.Event()

    def slow(*_: object) -> bool:
        entered.set()
        go_on.wait(30)
        return False

    with signed_in(url, "ada") as ada:
        monkeypatch.setattr(users_module, "_verify", slow)
        form = {"username": "bob", "password": PASSWORD}
        waiting = threading.Thread(target=httpx.post, args=(f"{url}/login",), kwargs={"data": form})
        waiting.start()
        try:
            assert entered.wait(10)
            assert ada.get("/config", timeout=10).status_code == 200
        finally:
            go_on.set()
            waiting.join()


def test_a_reader_signs_in_on_the_page(address: tuple[str, Path]) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium here: the chat is not tested in a browser")
    url, _ = address
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page()
        refused: list[str] = []
        page.on("response", lambda r: refused.append(r.url) if r.status >= 400 else None)
        page.goto(url)
        page.get_by_label("username").fill("ada")
        page.get_by_label("password").fill(PASSWORD)
        assert not refused
        page.get_by_role("button", name="Login").click()
        page.wait_for_selector(BOX)
        page.wait_for_selector(".fn-library .fn-src")
        assert not refused
        browser.close()
