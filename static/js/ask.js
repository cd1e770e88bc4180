/* One screen at a time. Each button sends the form as it does without this script, which keeps it from being sent
   twice. */
(() => {
  "use strict";
  const form = document.getElementById("ask-form");
  if (!form) return;

  // A second press would cancel the page that the first one leads to, and what is typed after a press would be lost.
  form.addEventListener("submit", (event) => {
    if (form.inert) event.preventDefault();
    form.inert = true;
  });
  // On the way Back, a browser may show the page as it was left.
  window.addEventListener("pageshow", () => {
    form.inert = false;
  });
})();
