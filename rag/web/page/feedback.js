// What a reader thinks of an answer: helpful, wrong, or what was missing.

import { post } from "./api.js";
import { element } from "./dom.js";

const VERDICTS = [["helpful", "Helpful"], ["wrong", "Wrong"], ["missing", "Something is missing"]];
const MAX_COMMENT = 2000;

export function feedbackView(found) {
  const said = element("p", { class: "quiet", role: "status" });
  const section = element("section", { class: "feedback", "aria-label": "Feedback" });
  const send = async (verdict, comment) => {
    try {
      await post("/feedback", bodyOf(found, verdict, comment));
      said.textContent = "Thank you: noted.";
      section.replaceChildren(said);
    } catch (error) {
      said.textContent = error.message;
    }
  };
  const buttons = VERDICTS.map(([verdict, label]) => {
    const button = element("button", { type: "button", class: "plain" }, label);
    button.addEventListener("click", () => {
      if (verdict === "helpful") send(verdict, null);
      else askWhy(section, said, (comment) => send(verdict, comment));
    });
    return button;
  });
  section.append(element("span", { class: "quiet" }, "Was this helpful?"), ...buttons, said);
  return section;
}

// The quote that was shown is what is judged.
function bodyOf(found, verdict, comment) {
  const quote = found.answer?.quotes[0];
  return {
    question: found.question,
    verdict,
    index: found.index.version,
    ...(quote && verdict !== "missing"
      ? { passage_id: quote.passage_id, char_start: quote.char_start, char_end: quote.char_end } : {}),
    ...(comment ? { comment } : {}),
  };
}

function askWhy(section, said, send) {
  const why = element("textarea", { id: "why", rows: "2", maxlength: String(MAX_COMMENT) });
  const form = element("form", {},
    element("label", { for: "why" }, "What should the answer say? (optional)"), why,
    element("button", {}, "Send"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(why.value.trim());
  });
  section.replaceChildren(form, said);
  why.focus();
}
