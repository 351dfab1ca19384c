// A page of a PDF as an image, with the boxes of what is cited on it.

import { documentAddress, fetchReport } from "./api.js";
import { element } from "./dom.js";
import { drawn } from "./svg.js";

const WIDTH = 1200;

// `marks` are the boxes of citations, each with the class that they are drawn with; `toPage` gives
// the address of a page.
export async function pageView(found, number, marks, toPage) {
  const pages = (await fetchReport()).get(found.id)?.pages ?? number;
  const link = (label, to, id) => (to < 1 || to > pages
    ? element("span", { class: "off", "aria-hidden": "true" }, label)
    : element("a", { href: toPage(to), id }, label));
  const own = marks.flatMap(([name, boxes]) =>
    boxes.filter((box) => box.page === number).map((box) => [name, box]));
  const image = element("img", {
    ...sizeOf(own), // so that a box can be scrolled to before the image is there
    src: `${documentAddress(found.id)}/pages/${number}.png?width=${WIDTH}`,
    alt: `Page ${number} of ${found.title}; the text view has its words`,
  });
  const sheet = element("div", { class: "sheet" }, image, overlay(own));
  image.addEventListener("error", () => {
    sheet.replaceChildren(element("p", { class: "banner" }, "This page cannot be shown: read its text."));
  });
  const turns = element("nav", { class: "hits turns", "aria-label": "Pages" },
    link("‹ Page", number - 1, "previous-page"),
    element("span", { class: "quiet" }, `page ${number} of ${pages}`),
    link("Page ›", number + 1, "next-page"));
  return [turns, sheet];
}

// The size of the page in points; empty if nothing on it is marked.
const sizeOf = ([first]) => (first ? { width: first[1].width, height: first[1].height } : {});

// The rectangles in points, over the image as the page is displayed.
function overlay(own) {
  if (own.length === 0) return "";
  const { width, height } = sizeOf(own);
  const rectangles = own.flatMap(([name, { lines }]) => lines.map(([left, top, right, bottom]) =>
    drawn("rect", { class: name, x: left - 1, y: top - 1, width: right - left + 2, height: bottom - top + 2 })));
  return drawn("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, ...rectangles);
}
