// What there is to start with: questions that the documents answer, and those asked before.

import { addressOf } from "./address.js";
import { fetchDocument, fetchReport } from "./api.js";
import { element } from "./dom.js";

const MAX_DOCUMENTS = 6;
const MAX_CHARACTERS = 500_000; // a longer document is not fetched for its questions
const MAX_OFFERED = 5;
const MAX_PAST = 30;
const PAST = "asked";

let gathered = null;

// FAQ questions of several documents that have some, drawn anew on each visit.
function faqQuestions() {
  gathered ??= gather();
  gathered.catch(() => { gathered = null; });
  return gathered;
}

async function gather() {
  const files = [...(await fetchReport()).values()].filter(
    ({ faq_pairs: pairs, characters, documents }) =>
      pairs > 0 && characters <= MAX_CHARACTERS && documents === 1);
  const found = await Promise.all(shuffled(files).slice(0, MAX_DOCUMENTS).map(async ({ id }) => {
    const { sections } = await fetchDocument(id);
    return shuffled(sections.filter((section) => section.kind === "faq"))
      .map((section) => section.heading_path.at(-1));
  }));
  return dealt(found);
}

function shuffled(items) {
  const left = [...items];
  return items.map(() => left.splice(Math.floor(Math.random() * left.length), 1)[0]);
}

// The first of each list, then the second of each, and so on.
function dealt(lists) {
  const longest = Math.max(0, ...lists.map((items) => items.length));
  return Array.from({ length: longest }, (_, i) => lists.flatMap((items) => items.slice(i, i + 1))).flat();
}

const wordsOf = (text) => new Set(text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? []);

// Those that share words with the question come first.
function nearest(questions, question) {
  const words = wordsOf(question);
  const common = (text) => [...wordsOf(text)].filter((word) => words.has(word)).length;
  return [...questions].sort((a, b) => common(b) - common(a));
}

const questionLink = (question) =>
  element("li", {}, element("a", { href: addressOf({ question }) }, question));

// A list of questions that appears when they are there; near `question`, if it is given.
export function suggestions(title, question = null) {
  const list = element("ul", {});
  const section = element("section", { class: "questions", hidden: true, "aria-label": title },
    element("h2", {}, title), list);
  faqQuestions().then((questions) => {
    const own = question === null ? questions : nearest(questions, question);
    list.append(...own.slice(0, MAX_OFFERED).map(questionLink));
    section.hidden = list.childElementCount === 0;
  }, () => {});
  return section;
}

// ---- the history of this browser; without storage there is none

export function remember(question) {
  try {
    const others = past().filter((each) => each !== question);
    localStorage.setItem(PAST, JSON.stringify([question, ...others].slice(0, MAX_PAST)));
  } catch {
    // Storage is full or refused.
  }
}

function past() {
  try {
    const found = JSON.parse(localStorage.getItem(PAST));
    return Array.isArray(found) ? found.filter((each) => typeof each === "string") : [];
  } catch {
    return [];
  }
}

function pastSection() {
  const asked = past();
  if (asked.length === 0) return "";
  const clear = element("button", { type: "button", class: "plain" }, "Clear");
  const section = element("section", { class: "questions", "aria-label": "Asked before" },
    element("div", { class: "row" }, element("h2", {}, "Asked before"), clear),
    element("ul", {}, ...asked.slice(0, 8).map(questionLink)));
  clear.addEventListener("click", () => {
    localStorage.removeItem(PAST);
    section.remove();
  });
  return section;
}

export const startView = () => [suggestions("Questions to start with"), pastSection()];
