// The answer: its sentences on top, quoted exactly, and the passages below, best first.

import { addressOf, askedIn } from "./address.js";
import { fetchDocument } from "./api.js";
import { copyButtons, menu, sourceOf, spanOf } from "./cite.js";
import { counted, element, spot } from "./dom.js";
import { suggestions } from "./start.js";
import { Text, nextBlockEnd, render } from "./text.js";

// Passages nearly as good as the best one are shown and quoted; the others are folded.
const NEARLY = 0.85;
const MAX_SHOWN = 3;
const MAX_ANNOUNCED = 800;

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

export function answerView(answer, state, isRaw) {
  const { passages } = answer;
  const best = passages[0]?.score ?? 0;
  const strong = answer.abstained ? []
    : passages.slice(0, MAX_SHOWN).filter((hit) => hit.score >= best * NEARLY);
  const cards = passages.map((hit) => card(hit, state, isRaw));
  return [
    answer.abstained ? abstention(answer) : quotes(answer, strong, state),
    list(cards.slice(0, strong.length), "Passages, best first"),
    folded(cards.slice(strong.length), answer.abstained),
    answer.abstained ? suggestions("These documents do answer", answer.question) : "",
  ];
}

const list = (cards, label) =>
  cards.length === 0 ? "" : element("ol", { class: "passages", "aria-label": label }, ...cards);

function folded(cards, abstained) {
  if (cards.length === 0) return "";
  const label = abstained ? `${counted(cards.length, "nearest passage")}` : `${cards.length} more`;
  return element("details", { class: "more" }, element("summary", {}, label), list(cards, label));
}

function abstention(answer) {
  return element("section", { class: "answer not_found", "aria-labelledby": "verdict" },
    titleOf(answer),
    element("p", { id: "message" }, ...withStrong(answer.message, answer.missing)));
}

// The message with the words that were not found made strong.
function withStrong(message, words) {
  const at = words.map((word) => message.lastIndexOf(word)).filter((i) => i >= 0);
  const from = at.length > 0 ? Math.min(...at) : message.length;
  const end = message.indexOf(".", from);
  if (end < 0) return [message];
  return [message.slice(0, from), element("strong", {}, message.slice(from, end)), message.slice(end)];
}

function quotes(answer, strong, state) {
  const note = answer.verdict === "maybe" ? element("p", { class: "quiet" }, MAYBE) : "";
  const said = answer.message ? element("p", { id: "message" }, answer.message) : "";
  const parts = strong.flatMap((hit) => hitQuotes(hit, state));
  const section = element("section", { class: `answer ${answer.verdict}`, "aria-labelledby": "verdict" },
    titleOf(answer), note, ...parts, said);
  addNotices(section, strong);
  return section;
}

const textOf = ({ text, citation }) => new Text(citation.document_id, text, citation.char_start);

function hitQuotes(hit, state) {
  const text = textOf(hit);
  return joined(text, hit.highlights.map(spanOf)).map((span) => {
    const address = addressOf({ ...state, source: sourceOf(hit, span) });
    const label = `Source of quote ${hit.rank}: ${hit.citation.title}, ${spot(hit.citation)}`;
    const number = element("a", { href: address, class: "number", "aria-label": label }, `${hit.rank}`);
    const clip = withAnnounced(text, text.span(span));
    return element("blockquote", { class: "text" }, ...render(text, { clip }), number);
  });
}

// A sentence that ends with a colon says little without the list, table or code below it.
function withAnnounced(text, { from, to }) {
  if (!/[:：][\s*_]*$/.test(text.text.slice(from, to))) return { from, to };
  const end = nextBlockEnd(text, to);
  return { from, to: end - to <= MAX_ANNOUNCED ? end : to };
}

// Sentences with only markup between them are one quote.
function joined(text, spans) {
  const joints = [];
  for (const span of spans) {
    const last = joints.at(-1);
    const between = last && text.text.slice(text.unit(last.end), text.unit(span.start));
    if (last && /^[\s|>*+\d.)-]*$/.test(between)) last.end = span.end;
    else joints.push({ ...span });
  }
  return joints;
}

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

// Links that ask the same of this document or section alone.
function narrower({ document_id: id, heading_path: path }, state) {
  const only = (label, change) =>
    element("a", { href: askedIn({ ...state, ...change }), class: "plain" }, label);
  const section = path.length > 0 ? [only(`Only “${path.at(-1)}”`, { section: path.at(-1) })] : [];
  return [only("Only this document", { documents: [id] }), ...section];
}

// What the cited documents want to be said with them: `notice` in their front matter.
async function addNotices(section, hits) {
  const ids = new Set(hits.map((hit) => hit.citation.document_id).filter((id) => /\.(md|markdown)$/i.test(id)));
  const notices = new Set();
  for (const id of ids) {
    const found = await fetchDocument(id).catch(() => null);
    const front = /^---\n([^]*?)\n---(?:\n|$)/.exec(found?.text ?? "")?.[1] ?? "";
    const notice = /^notice:(.*)$/m.exec(front)?.[1].trim().replace(/^(["'])(.*)\1$/, "$2");
    if (notice) notices.add(notice);
  }
  for (const notice of notices) section.append(element("p", { class: "notice" }, notice));
}
