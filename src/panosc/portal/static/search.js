// Completes what is typed in the search box, adds keys to lists of results, copies citations.
// Every page works without it: nothing is shown that is not in the page, but suggestions.
(() => {
  "use strict";
  const root = document.currentScript.dataset.root;

  const make = (name, attributes, text = "") => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  };

  const complete = (box, id) => {
    const list = make("ul", { id, role: "listbox", "aria-label": "Suggestions", class: "suggest", hidden: "" });
    const status = make("span", { class: "vh", role: "status" });
    let timer, request, at = -1;

    const close = () => {
      clearTimeout(timer);
      request?.abort();
      at = -1;
      list.hidden = true;
      list.replaceChildren();
      status.textContent = "";
      box.setAttribute("aria-expanded", "false");
      box.removeAttribute("aria-activedescendant");
    };
    const move = (to) => {
      list.children[at]?.setAttribute("aria-selected", "false");
      at = to;
      const option = list.children[at];
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      box.setAttribute("aria-activedescendant", option.id);
    };
    const choose = (option) => {
      box.value = option.dataset.value;
      box.setSelectionRange(Number(option.dataset.cursor), Number(option.dataset.cursor));
      close();
      if (box.value.endsWith(":")) ask();
    };
    const show = (found) => {
      at = -1;
      box.removeAttribute("aria-activedescendant");
      list.replaceChildren(...found.map((item, index) => {
        const option = make("li", { id: `${id}-${index}`, role: "option", "aria-selected": "false", "data-value": item.value, "data-cursor": item.cursor });
        option.append(make("bdi", {}, item.label), " ", make("span", { class: "n" }, item.about));
        return option;
      }));
      list.hidden = !found.length;
      box.setAttribute("aria-expanded", String(!list.hidden));
      status.textContent = found.length ? `${found.length} suggestions` : "";
    };
    // a suggestion says which letters of the box it replaces
    const placed = ({ text, label, kind, count, replaces: [from, to] }) => {
      const letters = [...box.value], before = letters.slice(0, from).join("") + text;
      const isName = kind === "field" || kind === "parameter";
      const about = [isName ? label : kind, count === null ? "" : count.toLocaleString("en")];
      return { value: before + letters.slice(to).join(""), cursor: before.length, label: isName ? text : label, about: about.filter(Boolean).join(" · ") };
    };
    const ask = async () => {
      request?.abort();
      if (!box.value.trim()) return close();
      const mine = (request = new AbortController());
      try {
        // places are counted in letters, of which some are two units of a text here
        const asked = new URLSearchParams({ prefix: box.value, cursor: [...box.value.slice(0, box.selectionStart)].length });
        const answer = await fetch(`${root}/suggest?${asked}`, { signal: mine.signal });
        const found = answer.ok ? (await answer.json()).suggestions.map(placed) : [];
        if (!mine.signal.aborted) show(found);
      } catch {
        if (!mine.signal.aborted) close();
      }
    };

    box.removeAttribute("list");
    for (const [key, value] of Object.entries({ role: "combobox", autocomplete: "off", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": id })) box.setAttribute(key, value);
    box.after(list, status);
    box.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, 120);
    });
    box.addEventListener("blur", close);
    box.addEventListener("keydown", (event) => {
      const count = list.children.length;
      if (event.isComposing) return;
      if (event.key === "ArrowDown" && count) move((at + 1) % count);
      else if (event.key === "ArrowUp" && count) move((at + count - (at < 0 ? 0 : 1)) % count);
      else if (event.key === "Enter" && at >= 0) choose(list.children[at]);
      else if (event.key === "Escape" && !list.hidden) close();
      else return;
      event.preventDefault();
    });
    // the box keeps the focus while an option is pressed
    list.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const option = event.target.closest("li");
      if (option) choose(option);
    });
  };

  document.querySelectorAll("form[role=search] input[name=q]").forEach((box, index) => complete(box, `suggest-${index}`));

  // by itself the text can be selected; with this a button copies it and says so
  for (const text of document.querySelectorAll("[data-copy]")) {
    const button = make("button", { class: "btn", type: "button", "aria-label": `Copy ${text.labels[0].textContent}` }, "Copy");
    const said = make("span", { class: "meta", role: "status" });
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text.value);
        said.textContent = "Copied.";
      } catch {
        text.select();
        said.textContent = document.execCommand("copy") ? "Copied." : "It is selected: press Ctrl+C to copy it.";
      }
    });
    text.after(button, " ", said);
  }

  // what late catalogues bring replaces what is shown, if nobody is in it yet
  const late = document.querySelector("[data-late]");
  if (late) fetch(late.dataset.late).then((answer) => answer.text()).then((text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    if (document.getElementById("hits").contains(document.activeElement)) return;
    for (const id of ["found", "hits", "strip"]) document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
  }).catch(() => {});

  const KEYS = { "/": "Go to the search box", j: "Next result", k: "Previous result", o: "Open the result", x: "Add it to the selection, or take it out", "?": "Show these keys" };
  let isOn = true;
  try {
    isOn = localStorage.getItem("keys") !== "off";
  } catch { /* no storage: the keys stay on */ }

  const help = make("dialog", { class: "card", "aria-labelledby": "keys" });
  const names = make("dl", { class: "facts" });
  for (const [key, does] of Object.entries(KEYS)) {
    const name = make("dt", {});
    name.append(make("kbd", {}, key));
    names.append(name, make("dd", {}, does));
  }
  const label = make("label", { class: "pick" });
  const choice = make("input", { type: "checkbox" });
  choice.checked = isOn;
  choice.addEventListener("change", () => {
    isOn = choice.checked;
    try {
      localStorage.setItem("keys", isOn ? "on" : "off");
    } catch { /* it holds for this page */ }
  });
  label.append(choice, "Single keys do this");
  const shut = make("button", { class: "btn" }, "Close");
  shut.addEventListener("click", () => help.close());
  help.append(make("h2", { id: "keys" }, "Keys"), names, label, shut);
  const opener = make("button", { class: "plain", type: "button" }, "Keys");
  opener.addEventListener("click", () => help.showModal());
  document.querySelector("footer .row")?.append(opener);
  document.body.append(help);

  document.addEventListener("keydown", (event) => {
    const here = event.target;
    if (!isOn || event.ctrlKey || event.metaKey || event.altKey || here.closest("input, select, textarea, dialog")) return;
    const links = [...document.querySelectorAll(".hit :is(h2, h3) a, .datasets tbody th a")];
    // who has just added a result comes back to it
    const result = (here.closest(".hit, tr") ? here : document.querySelector(":target"))?.closest(".hit, tr");
    const place = links.indexOf(result?.querySelector("h2 a, h3 a, th a"));
    if (event.key === "/") document.querySelector("input[name=q]")?.focus();
    else if (event.key === "j") links[Math.min(place + 1, links.length - 1)]?.focus();
    else if (event.key === "k") links[Math.max(place - 1, 0)]?.focus();
    else if (event.key === "o" && place >= 0) links[place].click();
    else if (event.key === "x" && place >= 0) result.querySelector("[name=pid]")?.click();
    else if (event.key === "?") help.showModal();
    else return;
    event.preventDefault();
  });
})();
