// The review screen's own script: focus, announcements, drafts. The screen works without it.
(() => {
  "use strict";

  const said = document.getElementById("said");
  const say = (text) => { if (said && text) said.textContent = text; };
  const first = (root) => root && root.querySelector("textarea, select, input:not([type=hidden]):not([type=checkbox])");

  // Refusals of the screen come as the screen itself, with what was typed.
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, target } = event.detail;
    const ours = target && (target.id === "review" || target.id === "lease" || target.id === "check");
    if (ours && (xhr.status === 422 || xhr.status === 409)) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });

  // Which button of the editor was pressed, so that focus lands where it led.
  let pressed = "";
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target && event.detail.target.id === "editor-box") pressed = event.detail.elt.value || "";
  });

  const place = (pointer) => `[data-pointer="${CSS.escape(pointer)}"]`;
  const focusEditor = () => {
    const editor = document.getElementById("editor");
    if (!editor) return;
    const [act, pointer = ""] = [pressed.split(":")[0], pressed.slice(pressed.indexOf(":") + 1)];
    let target = null;
    if (act === "add" && pointer.endsWith("/-")) {
      const list = editor.querySelector(place(pointer.slice(0, -2)));
      const items = list ? list.querySelectorAll(":scope > [data-pointer]") : [];
      target = first(items[items.length - 1]);
    } else if (act === "add") {
      target = first(editor.querySelector(place(pointer)));
    } else if (act === "remove") {
      const above = editor.querySelector(place(pointer.slice(0, pointer.lastIndexOf("/"))));
      target = above && above.querySelector("input:not([type=hidden]), select, textarea, button");
    }
    (target || first(editor) || editor).focus();
    say(act === "raw" ? "As JSON." : act === "form" ? "As a form." : "");
    pressed = "";
  };

  // What the check found stands beside the field it is about, too.
  const spread = (check) => {
    for (const line of document.querySelectorAll("#editor [data-errors-of]")) {
      const found = [...check.querySelectorAll("[data-problem-of]")]
        .filter((one) => one.dataset.problemOf === line.dataset.errorsOf);
      line.textContent = found.map((one) => one.lastChild.textContent.trim()).join(" ");
      const field = document.querySelector(`#editor [aria-describedby="${line.id}"]`);
      if (field) field.toggleAttribute("aria-invalid", found.length > 0);
      if (field && found.length) field.setAttribute("aria-invalid", "true");
    }
    const words = check.querySelector("[data-said]");
    if (words) say(words.dataset.said);
  };

  document.body.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.target;
    if (target.id === "editor-box") focusEditor();
    if (target.id === "check") spread(target);
    if (target.id === "review") {
      arrive();
      const problem = document.querySelector("#judgement textarea[aria-invalid=true]");
      const heading = document.querySelector("#review h1");
      if (problem) problem.focus();
      else if (heading) heading.focus();
      const alert = document.querySelector("#review [role=alert]");
      if (heading) say((alert || heading).textContent);
    }
  });

  // An undo that is no longer possible is not offered.
  const arrive = () => {
    for (const notice of document.querySelectorAll("[data-until]")) {
      const left = Date.parse(notice.dataset.until) - Date.now();
      setTimeout(() => notice.remove(), Math.max(0, Math.min(left, 3600000)));
    }
  };
  arrive();

  // `c` on a form leads into its first field.
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href="#editor"]');
    const field = link && first(document.getElementById("editor"));
    if (!field) return;
    event.preventDefault();
    field.focus();
  });

  // A reason to begin with goes where it can be edited; Enter on it is its button.
  const choice = (element) => element && element.closest && element.closest("[data-into]");
  document.addEventListener("keydown", (event) => {
    const select = event.key === "Enter" && choice(event.target);
    if (!select || select.tagName !== "SELECT") return;
    event.preventDefault();
    document.querySelector(`button[data-into="${select.dataset.into}"]`).click();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-into]");
    const area = button && document.getElementById(button.dataset.into);
    if (!area) return;
    event.preventDefault();
    const select = document.querySelector(`select[data-into="${button.dataset.into}"]`);
    if (!select.value) return;
    area.value = [area.value, select.value].filter(Boolean).join("\n");
    select.value = "";
    area.focus();
    area.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // The last second of typing survives a reload.
  let typed = false;
  document.addEventListener("input", (event) => { if (event.target.closest("#judgement")) typed = true; });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "lease" || event.detail.target.id === "review") typed = false;
  });
  document.addEventListener("submit", () => { typed = false; }, true);
  window.addEventListener("pagehide", () => {
    const form = document.getElementById("judgement");
    if (typed && form) navigator.sendBeacon(form.dataset.draft, new FormData(form));
  });
})();
