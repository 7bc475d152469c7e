// The document beside the chat.
const viewer = byId("fn-viewer");
const shown = viewer.querySelector(".fn-shown");
let current = null; // the chip or card whose passage is open
let views = 0; // only the latest answer of the server is shown

const chipsOf = (button) => [...(button.closest(".fn-turn")?.querySelectorAll(".fn-text .fn-chip") ?? [])];

const rowOf = (button) => {
  const { source, start, end } = button.dataset;
  const also = chipsOf(button)
    .filter((c) => c.dataset.source === source && (c.dataset.start !== start || c.dataset.end !== end))
    .map((c) => [Number(c.dataset.start), Number(c.dataset.end)]);
  return { source, start: Number(start ?? 0), end: Number(end ?? 0), also,
           quote: button.querySelector(".fn-tip q")?.textContent ?? "" };
};

const center = async () => {
  await Promise.all([...shown.querySelectorAll("img")].map((image) => image.decode().catch(() => {})));
  const here = shown.querySelector(".fn-here");
  if (here) here.scrollIntoView({ block: "center", behavior: "auto" });
  else shown.scrollTop = 0;
};

const marked = (button, is) => {
  button.toggleAttribute("aria-current", is);
  const pill = button.closest(".fn-pill");
  (pill?.closest("tr") ?? pill?.previousElementSibling)?.classList.toggle("fn-at", is);
};

const openAt = async (button) => {
  if (current) marked(current, false);
  current = button;
  marked(button, true);
  const chips = chipsOf(button);
  const at = chips.indexOf(button);
  viewer.querySelector(".fn-count").textContent = at < 0 ? "" : `${at + 1} of ${chips.length}`;
  viewer.querySelectorAll("[data-step]").forEach((b) => (b.hidden = chips.length === 0));
  viewer.querySelector("[data-back-to]").hidden = !button.closest(".fn-turn");
  page.classList.add("fn-reading");
  page.classList.remove("fn-rail-open");
  viewer.setAttribute("aria-busy", "true");
  const view = ++views;
  const given = await call("view", rowOf(button));
  if (view !== views) return;
  viewer.removeAttribute("aria-busy");
  if (!given) return;
  shown.innerHTML = given.html;
  await center();
  button.scrollIntoView({ block: "nearest", behavior });
};

const step = (by) => {
  if (!current) return;
  const chips = chipsOf(current);
  // From a card, the first step leads to the first quote of its source.
  const at = chips.indexOf(current);
  const same = chips.findIndex((c) => c.dataset.source === current.dataset.source);
  const next = at < 0 ? chips[Math.max(0, same)] : chips[(at + by + chips.length) % chips.length];
  if (!next) return;
  if (document.activeElement === document.body || document.activeElement === current) next.focus({ preventScroll: true });
  openAt(next);
};

const closeViewer = () => {
  if (!current) return;
  views++;
  page.classList.remove("fn-reading");
  marked(current, false);
  const back = document.contains(current) ? current : null;
  current = null;
  back?.focus({ preventScroll: true });
  back?.scrollIntoView({ block: "nearest", behavior });
};

on("click", ".fn-turn [data-source], .fn-src", (button) => openAt(button));
on("click", "#fn-viewer [data-step]", (button) => step(Number(button.dataset.step)));
on("click", "#fn-viewer [data-close]", closeViewer);
on("click", "#fn-viewer [data-back-to]", () => {
  current?.scrollIntoView({ block: "center", behavior });
  current?.focus({ preventScroll: true });
  if (innerWidth < 900) closeViewer();
});
on("click", ".fn-further", async (button) => {
  if (!current) return;
  const { at, back } = button.dataset;
  button.disabled = true;
  const given = await call("more", { ...rowOf(current), at: Number(at), back: back === "1" });
  if (!given) return void (button.disabled = false);
  const height = shown.scrollHeight;
  const holder = document.createElement("template");
  holder.innerHTML = given.html;
  button.replaceWith(holder.content);
  await Promise.all([...shown.querySelectorAll("img")].map((image) => image.decode().catch(() => {})));
  if (back === "1") shown.scrollTop += shown.scrollHeight - height;
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=radio], [type=checkbox], [type=range]), textarea, select, dialog, [contenteditable]");
  if (event.key === "Escape" && !event.target.closest?.("dialog")) {
    const menu = document.querySelector("details.fn-menu[open]");
    if (menu) return void (menu.open = false);
    if (page.classList.contains("fn-reading") && !typing) closeViewer();
    page.classList.remove("fn-rail-open");
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "j") step(1);
  if (event.key === "k") step(-1);
  if (event.key === "/") { event.preventDefault(); document.querySelector("#fn-box textarea").focus(); }
});
