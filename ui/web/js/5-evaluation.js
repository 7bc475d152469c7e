// The evaluation in place of the chat: runs are started, watched, opened and compared.
{
  const evaluation = byId("fn-eval");
  const part = (selector) => evaluation.querySelector(selector);
  const tabs = rail.querySelector(".fn-views");
  const PLACE = "#/evaluation"; // no conversation has such a name
  let chatAt = 0; // where the chat was scrolled to
  let openings = 0; // only the latest thing that was opened is shown

  const remember = (name = "") => history.replaceState(null, "", name ? `${PLACE}/${encodeURIComponent(name)}` : PLACE);

  const showView = (name) => {
    const evaluating = name === "evaluation";
    if (evaluating === page.classList.contains("fn-evaluating")) return;
    if (evaluating) chatAt = scrollY;
    page.classList.toggle("fn-evaluating", evaluating);
    page.classList.remove("fn-rail-open");
    tabs.querySelectorAll("button").forEach((button) => {
      if (button.dataset.view === name) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    });
    closeViewer();
    if (evaluating) { remember(); listRuns(); watchRun(); return; }
    history.replaceState(null, "", conversation() ? `#${conversation()}` : location.pathname);
    scrollTo(0, chatAt);
  };

  const listRuns = later(async () => {
    const given = await call("runs");
    if (!given) return;
    const { cases } = part("form").elements;
    const chosen = cases.value;
    cases.innerHTML = given.choices;
    if ([...cases.options].some((option) => option.value === chosen)) cases.value = chosen;
    part("form").classList.toggle("fn-none", !cases.options.length);
    const ticked = chosenRuns();
    part(".fn-runs").innerHTML = given.html;
    part(".fn-runs").querySelectorAll("input").forEach((input) => (input.checked = ticked.includes(input.value)));
    offerCompare();
  }, 60);
  const chosenRuns = () => [...part(".fn-runs").querySelectorAll("input:checked")].map((input) => input.value);
  const offerCompare = () => (part("[data-compare]").disabled = chosenRuns().length !== 2);

  // The run that is being asked shows how far it is, until nothing more happens.
  const showJob = (job) => {
    const box = part(".fn-eval-job");
    box.hidden = !job.said;
    box.dataset.state = job.state ?? "";
    box.dataset.name = job.name ?? "";
    const line = box.querySelector("p");
    if (line.textContent !== job.said) line.textContent = job.said ?? "";
    const bar = box.querySelector("progress");
    bar.hidden = !job.running;
    bar.max = job.total || 1;
    if (job.total) bar.value = job.done; else bar.removeAttribute("value");
    box.querySelector("small").textContent = job.running || job.state === "done" ? job.count : "";
    box.querySelector("[data-open-run]").hidden = job.state !== "done";
    box.querySelector("[data-open-run]").dataset.openRun = job.name ?? "";
    box.querySelector("[data-stop-run]").hidden = !job.running;
    box.querySelector("[data-stop-run]").disabled = !job.can_stop;
    part(".fn-run").disabled = Boolean(job.running);
    tabs.querySelector("span").textContent = job.running && job.total ? ` ${Math.floor((100 * job.done) / job.total)}%` : "";
  };
  let watchingRun = false, askedRun = false;
  const watchRun = async () => {
    askedRun = true; // what is on its way may have been read before the change that asks
    if (watchingRun) return;
    watchingRun = true;
    for (let running = false, state = ""; running || askedRun; ) {
      askedRun = false;
      const job = await call("run_job");
      if (!job?.may) break;
      showJob(job);
      running = job.running;
      if (`${job.name} ${job.state}` !== state && page.classList.contains("fn-evaluating")) listRuns();
      if (state && !running && !page.classList.contains("fn-evaluating")) say(job.said);
      state = `${job.name} ${job.state}`;
      if (running) await new Promise((done) => setTimeout(done, 500));
    }
    watchingRun = false;
  };

  const opened = (title, wait, name = "") => {
    part(".fn-eval-home").hidden = true;
    part(".fn-eval-open").hidden = false;
    part(".fn-eval-open b").textContent = title;
    part(".fn-eval-open b").focus();
    part(".fn-eval-wait").textContent = wait;
    part(".fn-compared").innerHTML = "";
    part("iframe").hidden = true;
    part("[data-save-report]").hidden = true;
    remember(name);
    return ++openings;
  };
  const backToRuns = () => {
    openings++;
    part("iframe").removeAttribute("srcdoc");
    part(".fn-eval-open").hidden = true;
    part(".fn-eval-home").hidden = false;
    remember();
    listRuns();
  };
  const openReport = async (name) => {
    const opening = opened(name, "Making the report…", name);
    const given = await call("run_report", { name });
    if (opening !== openings) return;
    if (!given) return backToRuns();
    part(".fn-eval-wait").textContent = "";
    // It is a page of its own, which reaches nothing of this one.
    part("iframe").srcdoc = given.html;
    part("iframe").hidden = false;
    part("[data-save-report]").hidden = false;
  };
  const compareRuns = async (names) => {
    const given = await call("compare_runs", { names });
    if (!given) return;
    opened("Two runs compared", "");
    part(".fn-compared").innerHTML = given.html;
  };

  on("click", ".fn-views [data-view]", (button) => showView(button.dataset.view));
  on("click", ".fn-open, [data-new]", () => showView("chat"));
  on("click", "#fn-evaluation", (_, event) => {
    if (!event.target.closest("[data-rail]")) page.classList.remove("fn-rail-open");
  });
  on("change", ".fn-runs input", offerCompare);
  on("click", ".fn-run-open", (button) => openReport(button.closest("li").dataset.run));
  on("click", "[data-open-run]", (button) => openReport(button.dataset.openRun));
  on("click", "[data-compare]", () => compareRuns(chosenRuns()));
  on("click", "[data-runs]", backToRuns);
  on("click", "[data-save-report]", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([part("iframe").srcdoc], { type: "text/html" }));
    link.download = `${part(".fn-eval-open b").textContent}.html`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
  on("click", "[data-stop-run]", async (button) => {
    button.disabled = true;
    if (await call("stop_run")) watchRun();
  });
  on("click", "[data-go-on]", async (button) => {
    button.disabled = true;
    if (await call("go_on", { name: button.closest("li").dataset.run })) watchRun();
    else button.disabled = false;
  });
  part("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const { cases, limit } = event.target.elements;
    part(".fn-run").disabled = true;
    trigger("evaluate", { cases: cases.value, limit: limit.value });
  });
  new MutationObserver(() => {
    part(".fn-eval-problem").textContent = byId("fn-told").textContent.trim();
    watchRun();
  }).observe(byId("fn-told"), { subtree: true, childList: true, characterData: true });

  const now = await call("run_job");
  tabs.hidden = !now?.may;
  if (now?.running) watchRun();
  if (now?.may && location.hash.startsWith(PLACE)) {
    const name = decodeURIComponent(location.hash.slice(PLACE.length + 1));
    showView("evaluation");
    if (name) openReport(name);
  }
}
