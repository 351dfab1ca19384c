// The page: asks, shows passages with their sentences marked, opens the source at the cited place.
// Whatever comes from a document becomes a text node, never markup. Offsets count Unicode code
// points, JavaScript strings count UTF-16 units: texts are cut as arrays of code points.

const MAX_EXAMPLES = 4;
const MAX_EXAMPLE_DOCUMENTS = 3;
const MAX_EXAMPLE_CHARACTERS = 500_000; // a longer document is not fetched for its questions

const byId = (id) => document.getElementById(id);
const source = byId("source");
const title = document.title;
let asked = null; // the question whose answer is shown or on its way
let opened = 0; // counts the sources asked for: only the last one is shown

function element(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

// The text between start and end, with the parts that lie in a span wrapped by that span's element.
function marked(points, start, end, spans) {
  const cuts = new Set([start, end]);
  for (const span of spans) {
    for (const at of [span.start, span.end]) if (start < at && at < end) cuts.add(at);
  }
  const places = [...cuts].sort((a, b) => a - b);
  return places.slice(1).map((to, i) => {
    const from = places[i];
    const around = spans.filter((span) => span.start <= from && to <= span.end);
    const text = document.createTextNode(points.slice(from, to).join(""));
    return around.reduce((inner, span) => element(span.name, {}, inner), text);
  });
}

async function fetchJson(path, options) {
  let response, body;
  try {
    response = await fetch(path, options);
    body = await response.json();
  } catch {
    throw new Error("The service does not answer. Is it still running?");
  }
  if (!response.ok) throw new Error(sentence(body.detail));
  return body;
}

const fetchDocument = (id) => fetchJson(`/documents/${encodeURIComponent(id)}`);

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

// ---- the answer

const VERDICTS = { answered: "answered", maybe: "maybe answered", not_found: "not in these documents" };

// The number is there for who points at the word.
function sureness({ verdict, confidence }) {
  const percent = `confidence ${Math.round(confidence * 100)} %`;
  return element("abbr", { title: percent }, VERDICTS[verdict]);
}

const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

function spot({ line_start: from, line_end: to, page, place }) {
  if (page !== null) return `page ${page}`;
  if (place?.kind === "anchor") return place.name;
  if (place) return `${place.kind} ${place.number}${place.name && ` of ${place.name}`}`;
  return from === to ? `line ${from}` : `lines ${from}–${to}`;
}

function card(hit) {
  const { citation } = hit;
  const spans = hit.highlights.map((span) => ({
    name: "mark",
    start: span.char_start - citation.char_start,
    end: span.char_end - citation.char_start,
  }));
  const points = Array.from(hit.text);
  const heading = citation.heading_path.join(" › ") || citation.title;
  return element("li", {},
    element("article", {},
      element("h2", {}, element("span", { class: "rank" }, `${hit.rank}`), heading),
      element("blockquote", { class: "text" }, ...marked(points, 0, points.length, spans)),
      element("p", { class: "quiet" }, `${citation.document_id}, ${spot(citation)} · `,
        link(citation.url, "Open source at this place"))));
}

function showAnswer(answer) {
  const count = answer.passages.length;
  const found = counted(count, "passage");
  byId("banner").textContent = answer.message ?? "";
  byId("banner").hidden = !answer.abstained;
  byId("status").replaceChildren(`${found}: `, sureness(answer), ".");
  byId("passages").replaceChildren(...answer.passages.map(card));
}

function showError(error) {
  byId("status").textContent = "";
  byId("banner").textContent = error.message;
  byId("banner").hidden = false;
  byId("passages").replaceChildren();
}

async function ask(question) {
  asked = question;
  byId("question").value = question;
  byId("status").textContent = "Searching…";
  byId("examples").hidden = true;
  document.title = `${question} – ${title}`;
  const body = JSON.stringify({ question });
  const headers = { "Content-Type": "application/json" };
  try {
    const answer = await fetchJson("/ask", { method: "POST", headers, body });
    if (asked === question) showAnswer(answer);
  } catch (error) {
    if (asked === question) showError(error);
  }
}

function reset() {
  asked = null;
  byId("question").value = "";
  byId("status").textContent = "";
  byId("banner").hidden = true;
  byId("passages").replaceChildren();
  byId("examples").hidden = byId("example-list").childElementCount === 0;
  document.title = title;
}

// ---- the source

// Headings and questions: the first line of each headed section.
function headings(points, sections) {
  return sections.filter((section) => section.heading_path.length > 0).map(({ start, end }) => {
    const lineEnd = points.indexOf("\n", start);
    return { name: "strong", start, end: lineEnd < 0 ? end : Math.min(lineEnd, end) };
  });
}

function place(fragment) {
  const match = /^#c(\d+)-(\d+)$/.exec(fragment);
  return match ? { name: "mark", start: Number(match[1]), end: Number(match[2]) } : null;
}

async function showSource(id, fragment) {
  const turn = ++opened;
  try {
    const found = await fetchDocument(id);
    if (turn === opened) openSource(found, place(fragment));
  } catch (error) {
    if (turn !== opened) return;
    asked = null; // the error takes the answer's place: going back asks again
    showError(error);
  }
}

function openSource(found, cited) {
  const points = Array.from(found.text);
  const spans = [...headings(points, found.sections), ...(cited ? [cited] : [])];
  const text = byId("source-text");
  byId("source-title").textContent = found.title;
  byId("source-place").textContent = found.id;
  text.replaceChildren(...marked(points, 0, points.length, spans));
  if (!source.open) source.showModal();
  text.scrollTop = 0;
  text.querySelector("mark")?.scrollIntoView({ block: "start" });
  text.focus({ preventScroll: true });
}

// ---- addresses: /?q=… asks, /?document=…#c12-34 opens the source at that place

const wanted = (name) => new URL(location).searchParams.get(name);

function visit() {
  if (wanted("document") !== null) {
    showSource(wanted("document"), location.hash);
    return;
  }
  opened += 1;
  source.close();
  if (wanted("q") === null) reset();
  else if (wanted("q") !== asked) ask(wanted("q"));
}

function go(address) {
  history.pushState({ inside: true }, "", address);
  visit();
}

function link(address, text) {
  const anchor = element("a", { href: address }, text);
  anchor.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(address);
  });
  return anchor;
}

const questionAddress = (question) => `/?q=${encodeURIComponent(question)}`;

// ---- what the index offers: its size, and questions out of its FAQs

async function introduce() {
  const { counts } = await fetchJson("/index");
  byId("about").textContent =
    `${counted(counts.documents, "document")}, ${counted(counts.passages, "passage")}`;
  const { documents } = await fetchJson(`/documents?limit=${MAX_EXAMPLE_DOCUMENTS}`);
  const questions = [];
  for (const { id, characters } of documents) {
    if (characters > MAX_EXAMPLE_CHARACTERS) continue;
    const { sections } = await fetchDocument(id);
    const pairs = sections.filter((section) => section.kind === "faq");
    questions.push(...pairs.map((section) => section.heading_path.at(-1)));
  }
  const items = questions.slice(0, MAX_EXAMPLES)
    .map((question) => element("li", {}, link(questionAddress(question), question)));
  byId("example-list").replaceChildren(...items);
  byId("examples").hidden = items.length === 0 || asked !== null;
}

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  asked = null; // asking the same again asks again
  go(questionAddress(byId("question").value.trim()));
});
byId("source-close").addEventListener("click", () => source.close());
source.addEventListener("close", () => {
  if (wanted("document") === null) return;
  if (history.state?.inside) history.back();
  else go("/");
});
addEventListener("popstate", visit);
visit();
introduce().catch(showError);
