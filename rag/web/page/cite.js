// A citation, as it is copied: text, Markdown, JSON or a link.

import { addressOf } from "./address.js";
import { element, spot } from "./dom.js";

export const spanOf = ({ char_start: start, char_end: end }) => ({ start, end });

// Where the source of a hit opens: at `span`, else at the first sentence that answers, else at the
// passage.
export function sourceOf(hit, span = spanOf(hit.highlights[0] ?? hit.citation)) {
  const { citation } = hit;
  const [from, to] = [span.start, span.end].map((point) => point - citation.char_start);
  const quote = Array.from(hit.text).slice(from, to).join("");
  return { id: citation.document_id, sha: citation.sha256, quote, cited: span };
}

const place = (citation) =>
  [citation.title, ...citation.heading_path, `${citation.document_id}, ${spot(citation)}`].join(" › ");

// The link to a quote, which says later if the text has changed.
function linkTo(citation, quote, span = spanOf(citation)) {
  const source = { id: citation.document_id, sha: citation.sha256, quote, cited: span };
  return new URL(addressOf({ source }), location).href;
}

// Braces and backslashes would end a field or begin a command.
const field = (text) => text.replace(/[{}\\]/g, " ");

function bibtex(citation, url) {
  const key = citation.document_id.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "") || "document";
  const note = [...citation.heading_path, spot(citation)].join(", ");
  return `@misc{${key}-${citation.char_start},\n  title = {${field(citation.title)}},\n`
    + `  howpublished = {${field(citation.document_id)}},\n  note = {${field(note)}},\n  url = {${url}}\n}`;
}

// `citation` as answers have it; `span` if the quote is a part of it.
const FORMS = {
  "Copy as text": (citation, quote) => `“${quote}” (${place(citation)})`,
  "Copy as Markdown": (citation, quote, span) =>
    `${quote.replace(/^/gm, "> ")}\n>\n> [${place(citation).replace(/[[\]\\]/g, "\\$&")}](${linkTo(citation, quote, span)})`,
  "Copy as JSON": (citation, quote, span = spanOf(citation)) =>
    JSON.stringify({ ...citation, char_start: span.start, char_end: span.end, quote }, null, 2),
  "Copy as BibTeX": (citation, quote, span) => bibtex(citation, linkTo(citation, quote, span)),
  "Copy link": linkTo,
};

// The buttons of a menu; `quoted` gives citation, quote and span, or their promise,
// when one is pressed.
export function copyButtons(quoted) {
  return Object.entries(FORMS).map(([label, form]) => {
    const button = element("button", { type: "button", class: "plain" }, label);
    button.addEventListener("click", async () => {
      button.textContent = (await copied(form, quoted)) ? "Copied" : "It could not be copied";
      setTimeout(() => { button.textContent = label; }, 1500);
    });
    return button;
  });
}

async function copied(form, quoted) {
  try {
    await navigator.clipboard.writeText(form(...await quoted()));
    return true;
  } catch {
    return false;
  }
}

export const menu = (label, ...items) =>
  element("details", { class: "menu" }, element("summary", {}, label), element("div", {}, ...items));
