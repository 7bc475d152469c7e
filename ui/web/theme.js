// Light, dark or as the machine has it: chosen in the settings, kept in this browser.
// In the page's head, so that nothing is shown in another theme first.
(() => {
  const KEY = "footnote-theme";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = "";
  try { chosen = localStorage.getItem(KEY) ?? ""; } catch { /* a browser that keeps nothing */ }
  const apply = () => {
    const is = chosen ? chosen === "dark" : dark.matches;
    if (document.body.classList.contains("dark") !== is) document.body.classList.toggle("dark", is);
  };
  window.footnoteTheme = {
    get: () => chosen,
    set: (name) => {
      chosen = ["light", "dark"].includes(name) ? name : "";
      try { localStorage.setItem(KEY, chosen); } catch { /* it holds for this visit */ }
      apply();
    },
  };
  const begin = () => {
    apply();
    // Gradio sets the theme of the machine, when it starts and whenever that changes.
    new MutationObserver(apply).observe(document.body, { attributeFilter: ["class"] });
  };
  if (document.body) begin();
  else addEventListener("DOMContentLoaded", begin);
})();
