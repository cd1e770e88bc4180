/* A form's CSRF token is out of date once somebody signs in on another tab. The cookie has the new one: copy it into the
   form before the form is sent. Without this script, the portal returns the form as it was typed. */
(() => {
  "use strict";
  const start = `${document.currentScript.dataset.cookie}=`;
  const renew = (event) => {
    const field = event.target.closest("form")?.elements.csrfmiddlewaretoken;
    const token = document.cookie.split("; ").find((pair) => pair.startsWith(start))?.slice(start.length);
    if (field && token) field.value = token;
  };
  for (const moment of ["change", "submit", "retry"]) document.addEventListener(moment, renew, true);
})();
