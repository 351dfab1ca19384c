// Tables of the page itself.

import { element } from "./dom.js";

// A table in a frame that scrolls if it is wider than the page.
export const table = (heads, rows) => element("div",
  { class: "table", tabindex: "0", role: "group", "aria-label": `Table: ${heads.join(", ")}` },
  element("table", {},
    element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, ...rows)));
