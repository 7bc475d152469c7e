"use strict";
(() => {
  const list = document.getElementById("questions");
  const rows = [...list.children];
  const text = document.getElementById("find");
  const selects = [...document.querySelectorAll(".tools select")];
  const shown = document.getElementById("shown");
  // Every passage that was retrieved holds some word or other: they are not searched.
  const told = (row) => [...row.querySelectorAll("summary, .body > :not(.passages)")];
  const words = new Map(rows.map((row) => [
    row, told(row).map((part) => part.textContent).join(" ").toLowerCase(),
  ]));

  const filter = () => {
    const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const row of rows) {
      const fits = selects.every((s) => !s.value || row.dataset[s.name] === s.value) &&
        wanted.every((word) => words.get(row).includes(word));
      row.hidden = !fits;
      n += fits;
    }
    shown.textContent = `${n} of ${rows.length}`;
  };

  const sort = (button) => {
    const down = button.getAttribute("aria-sort") === "ascending";
    for (const other of document.querySelectorAll(".heads button")) other.setAttribute("aria-sort", "none");
    button.setAttribute("aria-sort", down ? "descending" : "ascending");
    const { key } = button.dataset;
    const numeric = "numeric" in button.dataset;
    const order = (a, b) => numeric
      ? Number(a.dataset[key]) - Number(b.dataset[key])
      : a.dataset[key].localeCompare(b.dataset[key]);
    list.append(...[...rows].sort((a, b) => (down ? -1 : 1) * order(a, b)));
  };

  // Inside of another page, which has no address, a link would lead to that page's own.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (!link) return;
    event.preventDefault();
    const place = document.getElementById(link.getAttribute("href").slice(1));
    const question = place?.closest("details.q");
    if (question) { question.hidden = false; question.open = true; }
    location.hash = link.getAttribute("href");
  });
  text.addEventListener("input", filter);
  for (const select of selects) select.addEventListener("change", filter);
  for (const button of document.querySelectorAll(".heads button")) {
    button.addEventListener("click", () => sort(button));
  }
  for (const button of document.querySelectorAll("button[data-cause]")) {
    button.addEventListener("click", () => {
      document.querySelector("select[name=cause]").value = button.dataset.cause;
      filter();
      list.scrollIntoView({ behavior: "smooth" });
    });
  }
  addEventListener("beforeprint", () => rows.forEach((row) => { row.open = !row.hidden; }));
  filter();
})();
