() => {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const behavior = calm ? "auto" : "smooth";

  // A chip opens the passage it stands for and shows the quoted characters.
  document.addEventListener("click", (event) => {
    const chip = event.target.closest?.(".fn-chip");
    const mark = chip && document.getElementById(chip.dataset.cite);
    if (!mark) return;
    mark.closest("details").open = true;
    mark.scrollIntoView({ behavior, block: "nearest" });
    mark.focus({ preventScroll: true });
    document.querySelectorAll("mark.fn-here").forEach((m) => m.classList.remove("fn-here"));
    mark.classList.add("fn-here");
  });

  // Keep the card of a chip inside the window.
  const place = (event) => {
    const chip = event.target.closest?.(".fn-chip");
    const tip = chip?.querySelector(".fn-tip");
    if (!tip) return;
    tip.style.setProperty("--shift", "0px");
    const box = tip.getBoundingClientRect();
    const over = Math.min(0, document.documentElement.clientWidth - 12 - box.right);
    tip.style.setProperty("--shift", `${Math.max(over, 12 - box.left)}px`);
    tip.classList.toggle("fn-below", chip.getBoundingClientRect().top < box.height + 24);
  };
  document.addEventListener("pointerover", place);
  document.addEventListener("focusin", place);

  // Bring a new turn to the top once, and its finished answer, unless the reader scrolls meanwhile.
  let shown = "";
  let reading = false;
  for (const kind of ["wheel", "touchmove", "keydown"])
    addEventListener(kind, (e) => (reading = e.target.tagName !== "TEXTAREA"), { passive: true });
  new MutationObserver(() => {
    const turn = document.querySelector("#fn-live .fn-turn");
    const state = turn ? turn.dataset.turn + turn.dataset.done : "";
    if (state === shown) return;
    if (turn && turn.dataset.turn !== shown.slice(0, -1)) reading = false;
    shown = state;
    if (turn && !reading) turn.scrollIntoView({ behavior, block: "start" });
  }).observe(document.body, { subtree: true, childList: true, attributes: true,
                              attributeFilter: ["data-done", "data-turn"] });
};
