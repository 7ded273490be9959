// Placet's own script: shortcuts, charts, kept drafts, sign of life. Every page works without it.
(() => {
  "use strict";

  const typing = (element) => element && /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName)
    && !/^(checkbox|radio|button|submit)$/.test(element.type);

  // data-key: a letter presses a button, follows a link or focuses a field.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(document.activeElement)) {
      if (event.key === "Escape") document.activeElement.blur();
      return;
    }
    if (event.key === "?") {
      const help = document.querySelector("[data-keys-help]");
      if (help) help.open = !help.open;
      return;
    }
    const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!target) return;
    event.preventDefault();
    if (typing(target)) target.focus();
    else target.click();
  });

  // textarea[data-keep]: unsaved text survives a reload, until its form is sent.
  for (const area of document.querySelectorAll("textarea[data-keep]")) {
    const name = `keep:${area.dataset.keep}`;
    const kept = sessionStorage.getItem(name);
    if (kept !== null && kept !== area.value) area.value = kept;
    area.addEventListener("input", () => sessionStorage.setItem(name, area.value));
    if (area.form) area.form.addEventListener("submit", () => sessionStorage.removeItem(name));
  }

  // data-renew: a lease lives on while somebody is here.
  for (const holder of document.querySelectorAll("[data-renew]")) {
    const token = holder.querySelector("[name=csrfmiddlewaretoken]");
    setInterval(() => {
      if (document.visibilityState !== "visible" || !token) return;
      fetch(holder.dataset.renew, { method: "POST", headers: { "X-CSRFToken": token.value } });
    }, 120000);
  }

  // data-live: what follows by itself rests while nobody looks at it.
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const asks = event.detail.elt;
    if (document.hidden && asks.hasAttribute("data-live")) event.preventDefault();
  });

  // A countdown in words needs no reload.
  if (window.htmx) {
    document.body.addEventListener("htmx:responseError", (event) => {
      const region = document.getElementById("messages");
      const line = document.createElement("li");
      line.className = "notice bad";
      line.textContent = `That did not work (${event.detail.xhr.status}). Nothing was lost; try again.`;
      region.append(line);
    });
  }

  // Charts: data in a JSON block, drawn in the colours of the theme; on paper in those of paper.
  const figureOf = (box) => JSON.parse(document.getElementById(box.dataset.chart).textContent);
  const themed = (layout) => {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const changes = { "font.color": colour("--text") };
    for (const name of Object.keys(layout)) {
      if (/^[xy]axis/.test(name)) {
        changes[`${name}.gridcolor`] = changes[`${name}.linecolor`] = colour("--line");
      }
    }
    return changes;
  };
  const recolour = () => {
    for (const box of document.querySelectorAll(".js-plotly-plot")) {
      window.Plotly.relayout(box, themed(figureOf(box).layout));
    }
  };
  const draw = () => {
    for (const box of document.querySelectorAll("[data-chart]:not(.js-plotly-plot)")) {
      const figure = figureOf(box);
      const layout = { ...figure.layout, autosize: true };
      // A responsive plot takes the height of its box: with padding and border, 18 more.
      if (layout.height) box.style.height = `${layout.height + 18}px`;
      window.Plotly.newPlot(box, figure.data, layout, { displayModeBar: false, responsive: true });
      window.Plotly.relayout(box, themed(figure.layout));
      box.on("plotly_click", (event) => {
        const url = event.points[0] && event.points[0].customdata;
        if (typeof url === "string" && url.startsWith("/")) window.location.href = url;
      });
    }
  };
  if (window.Plotly) {
    draw();
    document.body.addEventListener("htmx:afterSwap", draw);
    for (const media of ["print", "(prefers-color-scheme: dark)"]) {
      window.matchMedia(media).addEventListener("change", recolour);
    }
  }

  // data-rebalance: rows are dragged onto whom the same form would give them to.
  for (const form of document.querySelectorAll("form[data-rebalance]")) {
    // People may be far above a long list: meanwhile they also stand at the edge of the window.
    const strip = document.querySelector("[data-drop-strip]");
    for (const row of form.querySelectorAll("[data-drag]")) {
      row.draggable = true;
      row.addEventListener("dragstart", (event) => {
        row.querySelector("[name=items]").checked = true;
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", row.dataset.drag);
        // Not at once: a page that changes as the drag begins ends it.
        setTimeout(() => { strip.hidden = false; }, 0);
      });
      row.addEventListener("dragend", () => { strip.hidden = true; });
    }
    for (const place of document.querySelectorAll("[data-drop]")) {
      place.addEventListener("dragover", (event) => {
        event.preventDefault();
        place.classList.add("dropping");
      });
      place.addEventListener("dragleave", () => place.classList.remove("dropping"));
      place.addEventListener("drop", (event) => {
        event.preventDefault();
        form.querySelector("[name=to]").value = place.dataset.drop;
        form.requestSubmit();
      });
    }
  }
})();
