// The page: reads its address, shows what that asks for, and listens to keyboard and links.

import { NO_FILTERS, addressOf, askedIn, filtersOf, readAddress } from "./address.js";
import { answerView, statusOf } from "./answer.js";
import { askedOf, fetchIndex, fetchOffer, post } from "./api.js";
import { byId, counted, element } from "./dom.js";
import { remember, startView } from "./start.js";

const MAX_QUESTION = 2000;
const NEAR_LIMIT = 1800;
const title = document.title;
const wide = matchMedia("(min-width: 64rem)");
const question = byId("question");

let state = readAddress(location);
let shown = null; // the address of the answer or list that is shown or on its way
let ready = Promise.resolve(); // when it is shown
let answer = null;
let isRaw = false;
let returnTo = null; // what takes the keys when the source is closed
let source = null; // the module that shows sources, once it is needed
let written = null; // the module of what a language model writes, if the service offers it

const isOpen = () => !byId("source").hidden;

// ---- what the address asks for

async function visit() {
  const own = readAddress(location);
  state = own;
  const address = askedIn(own);
  if (address !== shown) ready = showMain(address);
  markOpen();
  if (own.source === null) source?.closeSource();
  else {
    source ??= await import("./source.js");
    await ready;
    if (state !== own) return; // another address was gone to meanwhile
    await source.openSource(own, answer?.passages ?? [], isRaw);
  }
  coverMain();
  returnTo?.focus({ preventScroll: true });
  returnTo = null;
}

async function showMain(address) {
  shown = address;
  answer = null;
  written?.stop();
  question.value = state.question ?? "";
  grow();
  showFilters();
  document.title = state.question ? `${state.question} – ${title}` : title;
  byId("banner").hidden = true;
  byId("filter-form").replaceChildren();
  byId("filter").setAttribute("aria-expanded", "false");
  for (const link of document.querySelectorAll("nav a")) {
    link.setAttribute("aria-current", link.search === `?${state.view}` ? "page" : "false");
  }
  document.body.classList.toggle("start", state.question === null && state.view === null);
  try {
    if (state.question !== null) await showAnswer(address);
    else if (state.view !== null) await showView(address);
    else show(startView());
  } catch (error) {
    if (shown === address) showError(error);
  }
}

async function showAnswer(address) {
  wait("Searching…");
  const found = await post("/ask", askedOf(state));
  if (shown !== address) return;
  answer = found;
  remember(found.question);
  showFound();
}

function showFound() {
  show(answerView(answer, state, isRaw), statusOf(answer));
  addOffered(answer).catch(() => {}); // without it the answer is complete
}

async function addOffered(found) {
  await offerWriting();
  if (answer !== found) return;
  showWritten();
  if (!(await fetchOffer()).feedback) return;
  const { feedbackView } = await import("./feedback.js");
  if (answer === found) document.querySelector("#view .answer")?.after(feedbackView(found));
}

// What a language model writes stands above what is quoted.
function showWritten() {
  if (written && answer) byId("view").prepend(...written.writtenView(answer, state));
}

async function offerWriting() {
  if (written || !(await fetchOffer()).generation) return;
  const module = await import("./written.js");
  if (written) return;
  written = module;
  byId("filter").after(written.writtenSwitch(showWritten));
}

// What an address may show besides an answer.
const VIEWS = {
  documents: async () => (await import("./listing.js")).listingView(state),
  index: async () => {
    introduce();
    return (await import("./index_page.js")).indexView(state, (address) => {
      shown = null; // what is there has changed
      go(address);
    });
  },
};

async function showView(address) {
  wait("Reading…");
  const view = await VIEWS[state.view]();
  if (shown === address) show(view);
}

function wait(doing) {
  byId("status").textContent = doing;
  byId("status").classList.remove("unseen");
}

function show(view, status = "") {
  byId("status").textContent = status;
  byId("status").classList.toggle("unseen", status !== "");
  byId("view").replaceChildren(...view);
}

function showError(error) {
  shown = null; // going back asks again
  show([]);
  byId("banner").hidden = error.code === "key_required";
  if (error.code === "key_required") return askForKey();
  byId("banner").textContent = error.message;
  byId("banner").hidden = false;
}

// A service with keys says nothing without one.
async function askForKey() {
  const { keyForm } = await import("./key.js");
  show([keyForm(() => {
    visit();
    introduce();
  })]);
  byId("key").focus();
}

// The passage whose source is open is marked in the answer.
function markOpen() {
  const { source } = state;
  for (const hit of answer?.passages ?? []) {
    const { document_id: id, char_start: start, char_end: end } = hit.citation;
    const isIt = source?.id === id && source.cited && start <= source.cited.start && source.cited.start < end;
    byId(`p${hit.rank}`)?.toggleAttribute("data-open", Boolean(isIt));
  }
}

// On a narrow screen the source covers the page, which then takes no keys.
function coverMain() {
  document.body.classList.toggle("with-source", isOpen());
  byId("asking").inert = isOpen() && !wide.matches;
}

// ---- going from one address to the next

// `opened` is in the history of a source that was opened here: closing it goes back.
function go(address) {
  const before = readAddress(location);
  const after = readAddress(new URL(address, location));
  const wasOpen = before.source !== null && after.source !== null && askedIn(before) === askedIn(after);
  const opened = after.source !== null && (wasOpen ? history.state?.opened : before.source === null);
  history[wasOpen ? "replaceState" : "pushState"]({ opened }, "", address);
  visit();
}

function close() {
  const back = readAddress(location).source && !history.state?.opened;
  returnTo = document.querySelector("[data-open]");
  if (back) go(askedIn(state));
  else history.back();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  closeMenus(event.target);
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  const isView = link.origin === location.origin && link.pathname === "/" && !link.target;
  if (!isView) return;
  event.preventDefault();
  // A link within the page, as the one that skips to the question, only takes the keys there.
  if (link.getAttribute("href").startsWith("#")) byId(link.hash.slice(1)).focus();
  else go(link.href);
});

function closeMenus(target) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(target) || target.closest("a")) menu.open = false;
  }
}

// ---- the question

function submit() {
  const text = question.value.trim();
  if (text === "" || Array.from(text).length > MAX_QUESTION) return;
  shown = null; // asking the same again asks again
  go(addressOf({ question: text, ...filtersOf(state) }));
}

function grow() {
  question.style.height = "auto";
  question.style.height = `${question.scrollHeight + 2}px`;
  const length = Array.from(question.value.trim()).length;
  byId("limit").hidden = length < NEAR_LIMIT;
  byId("limit").textContent = `${length.toLocaleString("en")} of ${MAX_QUESTION.toLocaleString("en")} characters`;
  byId("limit").classList.toggle("over", length > MAX_QUESTION);
  question.setAttribute("aria-invalid", String(length > MAX_QUESTION));
}

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
question.addEventListener("input", grow);
// Beside an open source the field is narrower, so its text may take another line.
let width = 0;
new ResizeObserver(([{ contentRect }]) => {
  if (contentRect.width !== width) {
    width = contentRect.width;
    grow();
  }
}).observe(question);

// A filter is a chip; removing it asks again without it.
const LABELS = {
  documents: (id) => `In ${id}`,
  folder: (folder) => `In the folder ${folder}`,
  types: (ending) => `Type ${ending}`,
  section: (heading) => `Below “${heading}”`,
  since: (day) => `Since ${day}`,
  until: (day) => `Until ${day}`,
};

function showFilters() {
  const chips = Object.entries(LABELS).flatMap(([name, labelOf]) =>
    [state[name] ?? []].flat().map((value) => {
      const left = Array.isArray(state[name]) ? state[name].filter((each) => each !== value) : null;
      const address = askedIn({ ...state, [name]: left });
      return element("li", {}, element("a", { href: address, title: "Remove this filter" },
        labelOf(value), element("span", { class: "remove" }, " ×")));
    }));
  byId("filters").replaceChildren(...chips);
}

async function toggleFilterForm() {
  const isShown = byId("filter").getAttribute("aria-expanded") === "true";
  byId("filter").setAttribute("aria-expanded", String(!isShown));
  if (isShown) return byId("filter-form").replaceChildren();
  const { filterForm } = await import("./filters.js");
  const apply = (chosen) =>
    go(askedIn({ ...NO_FILTERS, ...chosen, question: question.value.trim() || null }));
  byId("filter-form").replaceChildren(await filterForm(state, apply));
  byId("filter-form").querySelector("input").focus();
}

// ---- keys

const isTyping = (target) => /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName);

function step(by) {
  const cards = [...document.querySelectorAll("#view article")].filter((card) => card.checkVisibility());
  const at = cards.indexOf(document.activeElement.closest("article"));
  const next = at + by < 0 ? question : cards[Math.min(at + by, cards.length - 1)];
  next?.focus();
}

function escape() {
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (isOpen()) close();
  else document.activeElement.blur();
}

const KEYS = {
  "/": () => question.select(),
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  n: () => byId("next-hit")?.click(),
  p: () => byId("previous-hit")?.click(),
  ArrowRight: () => byId("next-page")?.click(),
  ArrowLeft: () => byId("previous-page")?.click(),
};

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (key === "Escape") return escape();
  if (target === question) return keyInQuestion(event);
  if (isTyping(target) || (byId("source").contains(target) && /^Arrow(?:Up|Down)$/.test(key))) return;
  if (/^Arrow(?:Left|Right)$/.test(key) && !document.querySelector(".turns")) return;
  if (key === "Enter" && target.matches("article")) target.querySelector("a.open").click();
  else if (KEYS[key]) {
    event.preventDefault();
    KEYS[key]();
  }
});

function keyInQuestion(event) {
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    submit();
  } else if (event.key === "ArrowDown" && question.selectionEnd === question.value.length) {
    event.preventDefault();
    step(1);
  }
}

// ---- the rest

byId("raw").addEventListener("click", () => {
  isRaw = !isRaw;
  byId("raw").setAttribute("aria-pressed", String(isRaw));
  if (answer) showFound();
  markOpen();
  source?.redraw(isRaw);
});
byId("source-close").addEventListener("click", close);
byId("filter").addEventListener("click", () => toggleFilterForm().catch(showError));
wide.addEventListener("change", coverMain);
addEventListener("popstate", visit);

async function introduce() {
  try {
    const { counts } = await fetchIndex();
    byId("about").textContent = `${counted(counts.documents, "document")}, ${counted(counts.passages, "passage")}`;
  } catch (error) {
    if (error.code !== "limited_key") showError(error);
  }
}

visit();
introduce();
offerWriting().catch(() => {}); // the answers are complete without it
