/* Two minutes before the session or the anonymous check ends, the page says so and offers to extend it. Tabs of the same
   browser tell each other when it ends, and nothing else. Without this script, the portal gives back what was typed. */
(() => {
  "use strict";
  const notice = document.getElementById("time-limit");
  if (!notice) return;
  const WARNING = 2 * 60 * 1000;
  const LONGEST_TIMER = 2 ** 31 - 1; // browsers run a timer that is longer than this at once
  const { kind, seconds, renewed, longest } = notice.dataset;
  const status = notice.querySelector("[role=status]");
  const form = notice.querySelector("form");
  const inMs = (text) => Date.now() + Number(text) * 1000;
  const latest = longest === undefined ? Infinity : inMs(longest);
  let ends = inMs(seconds);
  let timer = 0;
  let shown = "";

  const show = (name) => {
    if (shown === name) return;
    shown = name;
    status.replaceChildren(...(name ? [notice.querySelector(`[data-says=${name}]`).content.cloneNode(true)] : []));
    form.hidden = !["ending", "unsure"].includes(name);
    notice.classList.toggle("is-shown", name !== "");
  };
  const look = () => {
    window.clearTimeout(timer);
    const left = ends - Date.now();
    if (left <= 0) {
      show("ended");
      return;
    }
    if (left <= WARNING) {
      if (shown !== "unsure") show(ends >= latest ? "last" : "ending");
    } else if (shown !== "renewed") show("");
    timer = window.setTimeout(look, Math.min(left <= WARNING ? left : left - WARNING, LONGEST_TIMER));
  };

  const tabs = "BroadcastChannel" in window ? new BroadcastChannel("time-limit") : null;
  const extend = (until) => {
    if (until <= ends) return;
    ends = Math.min(until, latest);
    look();
  };
  const extended = () => {
    extend(inMs(renewed));
    tabs?.postMessage({ kind, ends });
  };
  tabs?.addEventListener("message", ({ data }) => {
    if (data.kind === kind) extend(data.ends);
  });
  // This page's own request has extended it for the other tabs.
  tabs?.postMessage({ kind, ends });
  // So does every save by htmx.
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) extended();
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const response = await fetch(form.action, { method: "POST", body: new FormData(form) });
      // The portal answers 409 when there is nothing left to extend. Other faults may pass.
      if (response.status >= 500 || response.status === 429) {
        show("unsure");
        return;
      }
      if (!response.ok) {
        ends = 0;
        look();
        return;
      }
      show("renewed");
      extended();
    } catch {
      show("unsure");
    }
  });
  // A computer that slept runs no timers.
  document.addEventListener("visibilitychange", look);
  window.addEventListener("pageshow", look);
  look();
})();
