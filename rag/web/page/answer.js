// The answer: what answers on top, quoted exactly, and the passages below, best first.

import { NO_FILTERS, addressOf, askedIn, filtersOf } from "./address.js";
import { copyButtons, menu, sourceOf, spanOf } from "./cite.js";
import { counted, element, spot } from "./dom.js";
import { suggestions } from "./start.js";
import { Text, render } from "./text.js";

const VERDICTS = {
  answered: ["Answer", "answered"],
  maybe: ["Maybe an answer", "maybe answered"],
  not_found: ["Not in these documents", "not in these documents"],
};
const MAYBE = "The documents may answer this: check the passages before you rely on it.";

// What is said to who hears the page.
export const statusOf = ({ passages, verdict }) =>
  `${counted(passages.length, "passage")}: ${VERDICTS[verdict][1]}.`;

const titleOf = ({ verdict, confidence }) => element("h2", { id: "verdict" }, VERDICTS[verdict][0],
  element("span", { class: "sure" }, `confidence ${Math.round(confidence * 100)} %`));

export function answerView(found, state, isRaw) {
  const cited = new Set(found.answer?.quotes.map((quote) => quote.citation));
  const cards = found.passages.map((hit) => [cited.has(hit.rank), card(hit, state, isRaw)]);
  const of = (isCited) => cards.filter(([own]) => own === isCited).map(([, node]) => node);
  return [
    found.answer ? quotes(found, state) : abstention(found, state),
    list(of(true), "Passages, best first"),
    folded(of(false), found.abstained),
    found.abstained ? suggestions("These documents do answer", found.question) : "",
  ];
}

const list = (cards, label) =>
  cards.length === 0 ? "" : element("ol", { class: "passages", "aria-label": label }, ...cards);

function folded(cards, abstained) {
  if (cards.length === 0) return "";
  const label = abstained ? `${counted(cards.length, "nearest passage")}` : `${cards.length} more`;
  return element("details", { class: "more" }, element("summary", {}, label), list(cards, label));
}

const section = ({ verdict }, ...children) =>
  element("section", { class: `answer ${verdict}`, "aria-labelledby": "verdict" }, ...children);

const abstention = (found, state) => section(found, titleOf(found),
  element("p", { id: "message" }, ...withStrong(found.message, found.missing)),
  Object.values(filtersOf(state)).some((value) => value?.length > 0)
    ? element("p", {}, element("a", { href: askedIn({ ...state, ...NO_FILTERS }) }, "Ask all documents")) : "");

// The message with the words that were not found made strong.
function withStrong(message, words) {
  const at = words.map((word) => message.lastIndexOf(word)).filter((i) => i >= 0);
  const from = at.length > 0 ? Math.min(...at) : message.length;
  const end = message.indexOf(".", from);
  if (end < 0) return [message];
  return [message.slice(0, from), element("strong", {}, message.slice(from, end)), message.slice(end)];
}

const quotes = (found, state) => section(found, titleOf(found),
  found.verdict === "maybe" ? element("p", { class: "quiet" }, MAYBE) : "",
  ...found.answer.quotes.map((quote) => quoteOf(quote, found.passages[quote.citation - 1], state)),
  found.message ? element("p", { id: "message" }, found.message) : "",
  ...found.notices.map((notice) => element("p", { class: "notice" }, notice)));

// A quote, rendered as its passage is, with the number of that passage.
function quoteOf(quote, hit, state) {
  const address = addressOf({ ...state, source: sourceOf(hit, spanOf(quote)) });
  const label = `Source of quote ${hit.rank}: ${hit.citation.title}, ${spot(hit.citation)}`;
  const number = element("a", { href: address, class: "number", "aria-label": label }, `${hit.rank}`);
  const text = textOf(hit);
  const clip = text.span(spanOf(quote));
  return element("blockquote", { class: "text" }, ...render(text, { clip }), number);
}

const textOf = ({ text, citation }) =>
  new Text(citation.media_type, text, citation.char_start, null, citation.heading_path.at(-1));

function card(hit, state, isRaw) {
  const { citation } = hit;
  const text = textOf(hit);
  const spans = hit.highlights.map((span) => text.span(spanOf(span), "answering"));
  const address = addressOf({ ...state, source: sourceOf(hit) });
  const path = citation.heading_path.length > 0 ? citation.heading_path : [citation.title];
  const heading = element("h3", {}, element("span", { class: "rank" }, `${hit.rank}`), path.join(" › "));
  const where = `${citation.title} · ${spot(citation)}`;
  return element("li", {}, element("article", { tabindex: "0", id: `p${hit.rank}` },
    heading,
    element("p", { class: "quiet" }, where),
    element("div", { class: "text" }, ...render(text, { spans, raw: isRaw })),
    element("div", { class: "tools" },
      element("a", { href: address, class: "open" }, "Open source"),
      menu("Cite", ...copyButtons(() => [citation, hit.text])),
      menu("Narrow", ...narrower(citation, state)))));
}

// Links that ask the same of this document, its folder or this section alone.
function narrower({ document_id: id, heading_path: path }, state) {
  const only = (label, change) =>
    element("a", { href: askedIn({ ...state, ...change }), class: "plain" }, label);
  const folder = id.includes("/") ? id.slice(0, id.lastIndexOf("/")) : null;
  return [
    only("Only this document", { ...NO_FILTERS, documents: [id] }),
    ...(folder ? [only(`Only the folder “${folder}”`, { ...NO_FILTERS, folder })] : []),
    ...(path.length > 0 ? [only(`Only “${path.at(-1)}”`, { section: path.at(-1) })] : []),
  ];
}
