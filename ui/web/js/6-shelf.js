// The library's upkeep: which sources are asked, collections, reading again, folders that are
// followed; and in the settings, models and the theme.

// Only these are asked: id to title. What the server is told lies in a component of its own.
const picked = new Map();
function chosenSources() { return [...picked.keys()]; }
const showPicked = () => {
  for (const box of rail.querySelectorAll("[name=pick]")) box.checked = picked.has(box.closest("li").dataset.source);
  rail.classList.toggle("fn-picking", picked.size > 0);
  document.dispatchEvent(new CustomEvent("fn-scope", { detail: picked.size ? JSON.stringify(chosenSources()) : "" }));
};
on("change", "[name=pick]", (box) => {
  const li = box.closest("li");
  if (box.checked) picked.set(li.dataset.source, li.querySelector(".fn-src span").textContent);
  else picked.delete(li.dataset.source);
  showPicked();
});
on("click", "[data-ask-all]", () => { picked.clear(); showPicked(); box().focus(); });

// Collections: where a source is, and where goes what is added.
let collectionNames = null;
const NEW_ONE = "\u0000";
const fillSelect = (select, first, chosen) => {
  const names = [...new Set([...collectionNames, ...(chosen && chosen !== NEW_ONE ? [chosen] : [])])].sort();
  select.replaceChildren(new Option(first, ""), ...names.map((name) => new Option(name, name)), new Option("New collection…", NEW_ONE));
  select.value = chosen;
};
const addInto = rail.querySelector("[name=into]");
function chosenCollection() { return rail.querySelector(".fn-into").hidden ? "" : addInto.value; }
const mover = byId("fn-move");
// What the reader chooses in the dialog: a name, "" for no collection, null for none of it.
const askCollection = (title, chosen, verb) => new Promise((resolve) => {
  const { collection, name } = mover.querySelector("form").elements;
  mover.querySelector("p").textContent = title;
  mover.querySelector("[value=yes]").textContent = verb;
  fillSelect(collection, "No collection: for everybody", chosen);
  name.value = "";
  collection.onchange = () => {
    name.closest("label").hidden = collection.value !== NEW_ONE;
    name.required = collection.value === NEW_ONE;
    if (name.required) name.focus();
  };
  collection.onchange();
  mover.returnValue = "";
  mover.onclose = () =>
    resolve(mover.returnValue !== "yes" ? null : collection.value === NEW_ONE ? name.value.trim() : collection.value);
  mover.showModal();
});
mover.querySelector("[type=button]").addEventListener("click", () => mover.close("no"));
const fillInto = () => fillSelect(addInto, addInto.dataset.usual, addInto.dataset.chosen ?? "");
addInto.addEventListener("change", async () => {
  if (addInto.value !== NEW_ONE) return void (addInto.dataset.chosen = addInto.value);
  const name = await askCollection("What you add from now on goes into it.", NEW_ONE, "Choose");
  if (name !== null) addInto.dataset.chosen = name;
  fillInto();
});
on("click", ".fn-do-move", async (button) => {
  const { source, collection } = button.closest("li").dataset;
  const title = button.closest("li").querySelector(".fn-src span").textContent;
  const name = await askCollection(title, collection, "Move");
  if (name === null || name === collection) return;
  if (await call("move", { source, collection: name })) watch();
});
on("click", ".fn-do-again", async (button) => {
  if (await call("read_again", { source: button.closest("li").dataset.source })) watch();
});

// After each listing: what the reader may do, and which chosen sources are still there.
function listed(given) {
  const before = collectionNames;
  collectionNames = given.collections;
  // The settings offer those there were when the page was opened.
  if (before && String(before) !== String(collectionNames)) trigger("collections");
  rail.classList.toggle("fn-whole", given.whole);
  rail.querySelector(".fn-into").hidden = !given.whole;
  addInto.dataset.usual = given.into || "no collection";
  if (document.activeElement !== addInto) fillInto();
  const gone = chosenSources().filter((id) => !given.chosen.includes(id));
  if (gone.length) {
    say(`No longer in the library as chosen: ${gone.map((id) => picked.get(id)).join(", ")}. Choose again.`);
    gone.forEach((id) => picked.delete(id));
  }
  showPicked();
}

// Folders that another process follows: looked at quietly, as long as someone looks.
let synced = null;
const lookAround = async () => {
  if (document.hidden) return;
  try {
    const given = await server.watched({});
    if (list("watches").innerHTML !== given.html) list("watches").innerHTML = given.html ?? "";
    if (synced !== null && given.synced !== synced) listSources();
    synced = given.synced;
  } catch { /* said where the reader does something */ }
};
setInterval(lookAround, 3000);
lookAround();
on("click", ".fn-unwatch", async (button) => {
  if (await call("unwatch", { key: button.closest("li").dataset.key })) lookAround();
});

// Models: a download shows how far it is, whoever began it.
const needed = () => document.querySelector("#fn-settings .fn-need");
const showNeed = async () => {
  const now = needed();
  const given = await call("model", { value: now.dataset.model });
  if (given && now.isConnected) now.outerHTML = given.html;
  if (given && now.hasAttribute("data-pulling") && !needed()?.hasAttribute("data-pulling")) trigger("models");
  return given;
};
let pulling = false;
setInterval(async () => {
  if (pulling || document.hidden || !needed()?.hasAttribute("data-pulling")) return;
  pulling = true;
  await showNeed();
  pulling = false;
}, 500);
on("click", "[data-pull]", async (button) => {
  button.disabled = true;
  if (await call("pull", { name: button.dataset.pull })) await showNeed();
  else button.disabled = false;
});

// The theme. The settings are made when they are opened first.
on("change", "[name=fn-theme]", (choice) => window.footnoteTheme.set(choice.value));
on("click", "#fn-settings > button", () => setTimeout(() => {
  document.querySelectorAll("[name=fn-theme]").forEach((choice) => (choice.checked = choice.value === window.footnoteTheme.get()));
}, 50));
