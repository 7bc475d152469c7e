// Shared by the rest: these files run in order, in one function, with Gradio's `element`, `server`,
// `trigger` and `upload`.
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const behavior = calm ? "auto" : "smooth";
const byId = (id) => document.getElementById(id);
// Gradio makes the parts of the page in an order of its own.
while (["fn-page", "fn-viewer", "fn-live", "fn-rail", "fn-box", "fn-eval", "fn-told"].some((id) => !byId(id)))
  await new Promise((done) => setTimeout(done, 10));
const page = byId("fn-page");

const say = (text) => {
  const line = byId("fn-say");
  line.textContent = text;
  line.classList.add("fn-on");
  clearTimeout(say.timer);
  say.timer = setTimeout(() => line.classList.remove("fn-on"), 6000);
};

// Ask the server; what it cannot do is said to the reader and gives null.
const call = async (name, row = {}) => {
  let given;
  try {
    given = await server[name](row);
  } catch (error) {
    given = { error: "Footnote does not answer. When it runs again, reload this page." };
  }
  if (given?.error) say(given.error);
  return given?.error ? null : given;
};

const confirmed = (text, verb) => new Promise((resolve) => {
  const dialog = byId("fn-dialog");
  dialog.querySelector("p").textContent = text;
  dialog.querySelector("[value=yes]").textContent = verb;
  dialog.returnValue = "";
  dialog.onclose = () => resolve(dialog.returnValue === "yes");
  dialog.showModal();
});

// On `event` anywhere inside something that matches, now or later.
const on = (event, selector, act) => document.addEventListener(event, (e) => {
  const found = e.target.closest?.(selector);
  if (found) act(found, e);
});

const later = (act, wait = 200) => {
  let timer;
  return (...given) => { clearTimeout(timer); timer = setTimeout(() => act(...given), wait); };
};

// Keep the card of a chip inside the window.
const place = (event) => {
  const button = event.target.closest?.(".fn-pill button");
  const tip = button?.querySelector(".fn-tip");
  if (!tip) return;
  tip.style.setProperty("--shift", "0px");
  const box = tip.getBoundingClientRect();
  const edge = button.closest("#fn-chat").getBoundingClientRect();
  const left = Math.max(12, edge.left), right = Math.min(innerWidth - 12, edge.right);
  const over = Math.min(0, right - box.right);
  tip.style.setProperty("--shift", `${Math.max(over, left - box.left)}px`);
  tip.classList.toggle("fn-below", button.getBoundingClientRect().top < box.height + 24);
};
document.addEventListener("pointerover", place);
document.addEventListener("focusin", place);
