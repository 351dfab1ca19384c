// The key of a reader: it becomes a session, a cookie that no script can read.

import { post } from "./api.js";
import { element } from "./dom.js";

// `entered` is called once a session has begun.
export function keyForm(entered) {
  const said = element("p", { class: "banner", role: "alert", hidden: true });
  const key = element("input", { id: "key", type: "password", required: true, autocomplete: "current-password" });
  const form = element("form", { class: "key" },
    element("h2", {}, "This service requires a key"),
    element("p", {}, "Ask whoever runs it for one: ", element("code", {}, "rag keys add"), " makes it."),
    element("label", { for: "key" }, "Your key"),
    element("div", { class: "row" }, key, element("button", {}, "Enter")), said);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await post("/session", { key: key.value.trim() });
      entered();
    } catch (error) {
      said.textContent = error.code === "key_required" ? "This key is not valid, or no longer." : error.message;
      said.hidden = false;
    }
  });
  return form;
}
