/* A form's token goes stale when someone signs in on another tab. The browser's cookie has the one that fits by then, so
   that a form which is sent later still arrives. Without this file the portal gives the form back as it was typed. */
(() => {
  "use strict";
  const renew = (event) => {
    const field = event.target.closest("form")?.elements.csrfmiddlewaretoken;
    const [, token] = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/) || [];
    if (field && token) field.value = token;
  };
  for (const moment of ["change", "submit", "retry"]) document.addEventListener(moment, renew, true);
})();
