// Conversations and the library, left of the chat.
const rail = byId("fn-rail");
const field = (name) => rail.querySelector(`[name=${name}]`);
const list = (name) => rail.querySelector(`.fn-${name}`);

// A list that is filled anew keeps its open menu, and the place of who goes through it with the keyboard.
const STOPS = "button, input, summary";
const keyOf = (li) => li.dataset.source ?? li.dataset.id;
const placeIn = (into) => {
  const within = (element) => (into.contains(element) ? element.closest("li") : null);
  const at = within(document.activeElement);
  const opened = within(into.querySelector("details[open]"));
  const nth = at ? [...at.querySelectorAll(STOPS)].indexOf(document.activeElement) : -1;
  const now = (li) => li && [...into.children].find((other) => keyOf(other) === keyOf(li));
  return () => {
    now(opened)?.querySelector("details")?.setAttribute("open", "");
    now(at)?.querySelectorAll(STOPS)[nth]?.focus({ preventScroll: true });
  };
};
const fill = async (name, row, more, dress) => {
  const given = await call(name, row);
  if (!given) return null;
  const into = list(name);
  const back = placeIn(into);
  if (more) more.closest("li").outerHTML = given.html;
  else into.innerHTML = given.html;
  dress?.();
  back();
  return given;
};
const listConversations = later(async (more) => {
  await fill("conversations", { words: field("find").value, start: Number(more?.dataset.start ?? 0) }, more, () => {
    const open = conversation();
    rail.querySelectorAll(".fn-conversations li").forEach((li) => {
      li.querySelector(".fn-open")?.toggleAttribute("aria-current", Boolean(open) && li.dataset.id === open);
      if (li.dataset.id && !li.querySelector("details")) li.append(byId("fn-menu").content.cloneNode(true));
    });
  });
}, 60);
const listSources = later(async (more) => {
  const row = { words: field("filter").value, start: Number(more?.dataset.start ?? 0), chosen: chosenSources() };
  const given = await fill("library", row, more);
  if (!given) return;
  list("held").textContent = given.count;
  byId("fn-foot").textContent = given.foot;
  rail.querySelector(".fn-reader").hidden = !given.reader;
  rail.querySelector(".fn-reader span").textContent = `Signed in as ${given.reader}.`;
  listed(given);
}, 60);

field("find").addEventListener("input", later(() => listConversations()));
field("filter").addEventListener("input", later(() => listSources()));
on("click", ".fn-conversations .fn-rest", (button) => listConversations(button));
on("click", ".fn-library .fn-rest", (button) => listSources(button));
on("click", ".fn-open", (button) => {
  page.classList.remove("fn-rail-open");
  const { id } = button.closest("li").dataset;
  leave(id);
  trigger("open", { id });
});
on("click", "[data-new]", () => {
  page.classList.remove("fn-rail-open");
  closeViewer();
  leave();
  trigger("begin");
  box().focus();
});
on("click", "[data-rail]", () => {
  const open = page.classList.toggle("fn-rail-open");
  // The chat and the evaluation have a button each, of which one is shown.
  const buttons = [...page.querySelectorAll("[data-rail]")].filter((button) => rail.contains(button) === open);
  buttons.find((button) => button.checkVisibility())?.focus();
});
on("click", "#fn-chat", (_, event) => {
  if (!event.target.closest("[data-rail]")) page.classList.remove("fn-rail-open");
});
document.addEventListener("click", (event) => {
  document.querySelectorAll("details.fn-menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
});

const rename = (li) => {
  const button = li.querySelector(".fn-open");
  const input = document.createElement("input");
  input.value = button.textContent;
  input.setAttribute("aria-label", "Name of the conversation; Enter keeps it");
  input.addEventListener("keydown", async (event) => {
    if (event.key === "Escape") input.replaceWith(button);
    if (event.key !== "Enter") return;
    if (await call("rename", { id: li.dataset.id, title: input.value })) listConversations();
  });
  button.replaceWith(input);
  input.select();
};
const save = async (id, form) => {
  const given = await call("export", { id, form });
  if (!given) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([given.text], { type: given.type }));
  link.download = given.name;
  link.click();
  URL.revokeObjectURL(link.href);
};
on("click", ".fn-menu [data-do]", async (button) => {
  const li = button.closest("li");
  const { id } = li.dataset;
  li.querySelector("details").open = false;
  if (button.dataset.do === "rename") return rename(li);
  if (button.dataset.do !== "delete") return save(id, button.dataset.do);
  const title = li.querySelector(".fn-open").textContent;
  if (!(await confirmed(`Delete the conversation “${title}” with all its answers?`, "Delete"))) return;
  if (!(await call("delete", { id }))) return;
  if (id === conversation()) { leave(); trigger("begin"); }
  listConversations();
});

// The library: what is added or removed shows how far it is, until nothing more happens.
let watching = false, asked = false;
const watch = async () => {
  // What is already on its way may have been read before the change that asks.
  asked = true;
  if (watching) return;
  watching = true;
  for (let running = 0, before = -1; running || asked; before = running) {
    asked = false;
    const given = await call("jobs");
    if (!given) break;
    list("jobs").innerHTML = given.html;
    rail.querySelector("[data-dismiss]").hidden = !given.html || given.running > 0;
    running = given.running;
    if (running !== before) listSources();
    if (running) await new Promise((done) => setTimeout(done, 500));
  }
  watching = false;
};
on("click", "[data-dismiss]", async () => { await call("dismiss"); watch(); });
on("click", ".fn-drop-src", async (button) => {
  const title = button.closest("li").querySelector(".fn-src span").textContent;
  const text = `Remove “${title}” from the library? It is no longer found or shown; conversations keep what they quoted of it. A file on this machine stays where it is.`;
  if (!(await confirmed(text, "Remove"))) return;
  if (await call("remove", { source: button.closest("li").dataset.source })) watch();
});
on("click", "[data-add]", () => byId("fn-files").click());
byId("fn-files").addEventListener("change", (event) => {
  addFiles([...event.target.files].map((file) => [file, file.name]));
  event.target.value = "";
});
rail.querySelector(".fn-addresses").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { addresses } = event.target.elements;
  if (await call("add", { addresses: addresses.value, collection: chosenCollection() })) { addresses.value = ""; watch(); }
});

const addFiles = async (files) => {
  const collection = chosenCollection();
  for (const [position, [file, name]] of files.entries()) {
    if (files.length > 1) say(`Sending ${position + 1} of ${files.length}: ${name}`);
    try {
      const { path } = await upload(file);
      if (await call("add", { path, name, collection })) watch();
    } catch (error) {
      say(`${name} did not arrive: ${error?.message ?? error}`);
    }
  }
};
// What lies in a dropped folder, as [file, path] pairs.
const filesIn = async (entry) => {
  if (entry.isFile) return [[await new Promise((ok, no) => entry.file(ok, no)), entry.fullPath.slice(1)]];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((ok, no) => reader.readEntries(ok, no));
    if (!some.length) return found;
    for (const inner of some) if (!inner.name.startsWith(".")) found.push(...(await filesIn(inner)));
  }
};
const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
addEventListener("dragover", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  page.classList.add("fn-dropping");
});
addEventListener("dragleave", (event) => { if (!event.relatedTarget) page.classList.remove("fn-dropping"); });
addEventListener("drop", async (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  page.classList.remove("fn-dropping");
  // Not every file that is dropped comes from a file system.
  const dropped = [...event.dataTransfer.items].filter((item) => item.kind === "file").map((item) => {
    const entry = item.webkitGetAsEntry(), file = item.getAsFile();
    return entry ? filesIn(entry) : [[file, file.name]];
  });
  addFiles((await Promise.all(dropped)).flat());
});
