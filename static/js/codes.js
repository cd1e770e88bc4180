/* On the page of recovery codes: copy the codes, and print the page. Without this script, they can be downloaded. */
(() => {
  "use strict";
  const report = document.getElementById("copied");
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const codes = [...document.querySelectorAll(`#${button.dataset.copy} code`)].map((code) => code.textContent);
      try {
        await navigator.clipboard.writeText(`${codes.join("\n")}\n`);
        report.textContent = "Copied.";
      } catch {
        report.textContent = "The browser did not copy the codes. Select and copy them by hand, or download them.";
      }
    });
  }
  for (const button of document.querySelectorAll("[data-print]")) {
    button.addEventListener("click", () => window.print());
  }
})();
