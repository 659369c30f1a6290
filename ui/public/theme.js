// Before the first paint, so that a dark page does not flash white. Kept in step with src/app/theme.ts.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem("alga-theme");
  } catch (_) {
    // Storage may be forbidden; the system's choice holds then.
  }
  var dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.toggle("pf-v6-theme-dark", dark);
})();
