// Whether the server still runs: its end is said at once, and when it is back, so is the reader.
const TYPED = "fn-typed";
const GONE = "Footnote does not answer any more. This page goes on by itself when it runs again.";
let served = null; // which run of the server this page belongs to
let isGone = false;

const typed = sessionStorage.getItem(TYPED);
sessionStorage.removeItem(TYPED);
if (typed) {
  box().value = typed;
  box().dispatchEvent(new Event("input", { bubbles: true }));
}
addEventListener("pagehide", () => { if (isGone && box()?.value) sessionStorage.setItem(TYPED, box().value); });

const look = async () => {
  let now;
  try {
    const given = await fetch("gradio_api/app_id", { cache: "no-store" });
    now = given.ok ? (await given.json()).app_id : given.status;
  } catch {
    if (!isGone) say(GONE);
    clearTimeout(say.timer);
    isGone = true;
    return;
  }
  served ??= now;
  if (now !== served) {
    isGone = true;
    return location.reload();
  }
  if (isGone) byId("fn-say").classList.remove("fn-on");
  isGone = false;
};
const keepLooking = async () => {
  if (!document.hidden || isGone) await look();
  setTimeout(keepLooking, isGone ? 1000 : 4000);
};
addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
keepLooking();
