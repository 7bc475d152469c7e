// Turns: bringing them into view, and what a reader does with them.
const box = () => document.querySelector("#fn-box textarea");
const conversation = () => document.querySelector("#fn-live [data-conversation]")?.dataset.conversation ?? "";
const turnOf = (button) => button.closest(".fn-turn");

// Bring a new turn to the top once, and its finished answer, unless the reader scrolls meanwhile.
let state = "";
let scrolled = false;
// A conversation that was left: an update that was on its way by then is not to bring it back.
let left = "";
const leave = (to = "") => (left = conversation() === to ? "" : conversation());
for (const kind of ["wheel", "touchmove", "keydown"])
  addEventListener(kind, (e) => (scrolled = e.target.tagName !== "TEXTAREA"), { passive: true });
new MutationObserver(() => {
  const turn = document.querySelector("#fn-live .fn-turn");
  const id = conversation();
  if (id && id === left) return turn?.remove();
  const now = turn ? `${id} ${turn.dataset.turn} ${turn.dataset.done}` : "";
  if (now === state) return;
  const isNew = now.replace(/.$/, "") !== state.replace(/.$/, "");
  state = now;
  if (isNew) scrolled = false;
  if (isNew || !turn) { if (current && !document.contains(current)) closeViewer(); }
  history.replaceState(null, "", id ? `#${id}` : location.pathname);
  if (turn && !scrolled) turn.scrollIntoView({ behavior, block: "start" });
  if (!turn || turn.dataset.done === "1" || isNew) listConversations();
}).observe(byId("fn-live"), { subtree: true, childList: true, attributes: true });

on("click", ".fn-ask", (button) => trigger("ask", { question: button.textContent }));

const said = (turn) => {
  const quotes = new Map(chipsOf(turn.querySelector(".fn-answer")).map((chip) => {
    const tip = chip.querySelector(".fn-tip");
    const [title, where, quote] = ["b", "i", "q"].map((tag) => tip.querySelector(tag).textContent);
    return [chip.dataset.number, `[${chip.dataset.number}] ${title}${where && ", " + where}: “${quote}”`];
  }));
  return [turn.dataset.said, [...quotes.values()].join("\n")].filter(Boolean).join("\n\n");
};

const edit = (turn) => {
  const old = turn.querySelector(".fn-question");
  const area = document.createElement("textarea");
  area.className = "fn-question fn-editing";
  area.value = old.textContent;
  area.setAttribute("aria-label", "Change the question; Enter asks it");
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") area.replaceWith(old);
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    trigger("again", { question: area.value });
  });
  old.replaceWith(area);
  area.focus();
};

const vote = async (turn, value, row = {}) => {
  const given = await call("vote", { id: conversation(), number: Number(turn.dataset.turn), vote: value, ...row });
  if (!given) return false;
  turn.querySelector("[data-act=good]").setAttribute("aria-pressed", String(value === 1));
  turn.querySelector("[data-act=bad]").setAttribute("aria-pressed", String(value === -1));
  if (value) say(given.said);
  return true;
};

const complain = (turn) => {
  const form = byId("fn-complaint").content.firstElementChild.cloneNode(true);
  const sources = new Map([...turn.querySelectorAll(".fn-card, .fn-near")].map(
    (card) => [card.dataset.source, card.querySelector(".fn-title").textContent]));
  for (const [id, title] of sources) form.elements.source.add(new Option(title, id));
  const more = form.querySelector("fieldset");
  form.elements.case.addEventListener("change", () => (more.hidden = !form.elements.case.checked));
  form.querySelector("[type=button]").addEventListener("click", () => form.remove());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { reason, quote, source } = form.elements;
    const row = { reason: reason.value, case: form.elements.case.checked, quote: quote.value, source: source.value };
    if (await vote(turn, -1, row)) form.remove();
  });
  turn.querySelector(".fn-acts").after(form);
  form.elements.reason.focus();
};

on("click", ".fn-acts [data-act]", async (button) => {
  const turn = turnOf(button);
  const pressed = button.getAttribute("aria-pressed") === "true";
  const question = turn.querySelector("h2")?.textContent;
  turn.querySelector(".fn-complaint")?.remove();
  switch (button.dataset.act) {
    case "copy":
      try { await navigator.clipboard.writeText(said(turn)); say("Copied with its sources."); }
      catch { say("The browser does not let this page copy: select the text instead."); }
      break;
    case "again": trigger("again", { question }); break;
    case "edit": edit(turn); break;
    case "good": vote(turn, pressed ? 0 : 1); break;
    case "bad": pressed ? vote(turn, 0) : complain(turn); break;
  }
});
