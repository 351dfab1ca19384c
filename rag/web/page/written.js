// What a language model writes from the passages: set apart from what is quoted, each sentence with
// the passages that it cites, and marked if they do not say so.

import { addressOf } from "./address.js";
import { askedOf, posting, send } from "./api.js";
import { sourceOf, spanOf } from "./cite.js";
import { counted, element, sentence, spot } from "./dom.js";

const REASONS = {
  no_citation: "cites no passage",
  unknown_passage: "cites a passage that it was not given",
  not_in_passage: "its passage does not say so",
};
const OFF = "without-written"; // kept in this browser
const views = new WeakMap(); // by answer, so that nothing is written twice
let running = null;

// Ends what is being written, at the service too.
export function stop() {
  running?.abort();
  running = null;
}

// The section of an answer, in a list; none if the documents do not answer, or it is switched off.
export function writtenView(found, state) {
  if (found.abstained || isOff()) return [];
  if (!views.has(found)) {
    const view = section();
    views.set(found, view.node);
    write(found, state, view);
  }
  return [views.get(found)];
}

// The button that switches written answers off and on; `changed` is called after it is switched on.
export function writtenSwitch(changed) {
  const button = element("button", { id: "write", type: "button", class: "plain",
    title: "Also show an answer that a language model writes from the passages" }, "Written answer");
  const show = () => button.setAttribute("aria-pressed", String(!isOff()));
  button.addEventListener("click", () => {
    setOff(!isOff());
    show();
    if (!isOff()) return changed();
    stop();
    document.querySelector("#view .written")?.remove();
  });
  show();
  return button;
}

let off = null; // without storage, for this visit alone

function isOff() {
  try {
    off ??= localStorage.getItem(OFF) !== null;
  } catch {
    off ??= false;
  }
  return off;
}

function setOff(isIt) {
  off = isIt;
  try {
    if (isIt) localStorage.setItem(OFF, "");
    else localStorage.removeItem(OFF);
  } catch {
    // Storage is full or refused.
  }
}

function section() {
  const title = element("h2", { id: "written-title" }, "Written answer",
    element("span", { class: "sure" }, "by a language model, not quoted"));
  const text = element("p", { class: "sentences" });
  const said = element("p", { class: "quiet", role: "status" }, "Writing…");
  return { node: element("section", { class: "written", "aria-labelledby": "written-title" }, title, text, said),
    text, said };
}

async function write(found, state, view) {
  stop();
  const own = new AbortController();
  running = own;
  try {
    view.said.textContent = await followed(found, state, view, own.signal);
  } catch (error) {
    if (own.signal.aborted) views.delete(found); // written anew if it is shown again
    else fail(view, error.message);
  }
  if (!view.text.hasChildNodes()) view.text.remove(); // it held the place of what may come
}

function fail({ text, said }, why) {
  const what = text.hasChildNodes() ? "The written answer breaks off" : "No answer was written";
  said.className = "banner";
  said.textContent = `${what}: ${why.charAt(0).toLowerCase()}${why.slice(1)} The quotes below are from the documents.`;
}

// Adds each sentence as it comes, and returns what is said at the end.
async function followed(found, state, { text }, signal) {
  let [all, doubted] = [0, 0];
  for await (const [name, event] of events({ ...askedOf(state), generate: true }, signal)) {
    if (name === "answer" && event.index.version !== found.index.version) {
      throw new Error("The documents have been indexed again. Ask again.");
    }
    if (name === "sentence") {
      text.append(sentenceOf(event, found, state), " ");
      all += 1;
      doubted += event.supported ? 0 : 1;
    }
    if (name === "error") throw new Error(sentence(event.detail));
    if (name === "end") return ending(event, all, doubted);
  }
  throw new Error("The service has ended the response.");
}

function ending({ status }, all, doubted) {
  if (status === "declined") return "The model finds no answer in the passages.";
  if (status === "abstained") return "The documents do not seem to answer, so nothing was written.";
  const checked = "Each sentence was compared with the passages that it cites";
  return doubted === 0 ? `${checked}.`
    : `${checked}: ${doubted} of ${counted(all, "sentence")} ${doubted === 1 ? "is" : "are"} not supported.`;
}

// The events of a response, each as its name and its data.
async function* events(body, signal) {
  const response = await send("/ask", { ...posting(body), signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(part);
      yield [name, JSON.parse(data)];
    }
  }
}

// A sentence with the numbers of its passages, which lead to what says so.
function sentenceOf(written, found, state) {
  const numbers = written.citations.map((rank) => {
    const hit = found.passages[rank - 1];
    const quote = written.quotes.find(({ citation }) => citation === rank);
    const source = quote ? sourceOf(hit, spanOf(quote)) : sourceOf(hit);
    const label = `Passage ${rank}, cited here: ${hit.citation.title}, ${spot(hit.citation)}`;
    return element("a", { href: addressOf({ ...state, source }), class: "number", "aria-label": label }, `${rank}`);
  });
  if (written.supported) return element("span", {}, written.text, ...numbers);
  const missing = written.missing.length > 0 ? `: ${written.missing.join(", ")}` : "";
  return element("span", {}, element("span", { class: "unsupported" }, written.text), ...numbers,
    " ", element("span", { class: "why" }, `not supported: ${REASONS[written.reason]}${missing}`));
}
