// Links to Airflow's own pages: the console is framed by Airflow, whose router follows its history.
"use strict";
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-airflow]");
  if (!link || window.parent === window || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const base = window.parent.document.querySelector("base");
  const root = base ? new URL(base.href).pathname.replace(/\/$/, "") : "";
  window.parent.history.pushState({}, "", root + link.getAttribute("href"));
  window.parent.dispatchEvent(new window.parent.PopStateEvent("popstate", { state: {} }));
});
