// Jiuji 救急 in the browser: small helps for pages that work without them. No library, no build, no eval.
// Texts come from the page (data-* of <html>), so that they are in the reader's language.

const page = document.documentElement;
const say = (name) => page.dataset[name] || "";
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (tag, properties, ...children) => {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
};
const store = (kind, work) => {
  try {
    return work(window[kind]);
  } catch {
    return null; // a locked-down browser may refuse storage
  }
};

// Messages: one that passes, and one that stays at the top of a form.
function toast(text) {
  const note = make("div", { className: "toast", textContent: text });
  document.querySelector(".toasts")?.append(note);
  setTimeout(() => note.remove(), 4000);
}

function tell(form, text, tone = "bad") {
  form.querySelector("[data-told]")?.remove();
  const box = make("div", { tabIndex: -1, className: `alert ${tone}`, textContent: text });
  box.dataset.told = "";
  box.setAttribute("role", "alert");
  form.prepend(box);
  if (tone === "bad") box.focus();
  return box;
}

// Theme: the person's choice; the cookie lets the next page come in it at once.
function setTheme(theme) {
  if (theme === "auto") delete page.dataset.theme;
  else page.dataset.theme = theme;
  all("[data-set-theme]").forEach((b) => b.setAttribute("aria-pressed", b.dataset.setTheme === theme));
}
setTheme(store("localStorage", (s) => s.getItem("jiuji-theme")) || page.dataset.theme || "auto");

// The navigation is a drawer on a phone.
const side = document.getElementById("side");
const menu = document.querySelector(".menu");
const drawn = () => side?.classList.contains("open");
function drawer(open) {
  side.classList.toggle("open", open);
  menu.setAttribute("aria-expanded", open);
  document.querySelector(".page").inert = open;
  (open ? side.querySelector("li a") || side.querySelector("a") : menu).focus();
}
menu?.setAttribute("role", "button");
menu?.setAttribute("aria-expanded", false);

// Forms with data-keep keep what was typed until the server has it: per person, in this tab only, never what is
// sensitive, never a whole identity or account number.
const SECRET = /\d{14,}[\dxX]/;
const owner = `keep:${say("user")}:`;
const slot = (form) => owner + form.dataset.keep;
const keepable = (field) =>
  field.name && field.name !== "csrfmiddlewaretoken" && !field.closest("[data-sensitive]") &&
  !/^(password|hidden|file|submit|button|image|reset|fieldset|output)$/.test(field.type);
const state = (field) =>
  /^(checkbox|radio)$/.test(field.type) ? field.checked
  : field.multiple ? [...field.selectedOptions].map((o) => o.value) : field.value;

function keep(form) {
  const seen = {};
  for (const field of form.elements) {
    if (!keepable(field)) continue;
    (seen[field.name] ||= []).push(SECRET.test(field.value.replace(/[\s-]/g, "")) ? null : state(field));
  }
  store("sessionStorage", (s) => s.setItem(slot(form), JSON.stringify(seen)));
}

function restore(form) {
  const seen = store("sessionStorage", (s) => JSON.parse(s.getItem(slot(form))));
  let changed = false;
  for (const field of seen ? form.elements : []) {
    const value = keepable(field) ? seen[field.name]?.shift() : null;
    if (value == null || String(value) === String(state(field))) continue;
    changed = true;
    if (typeof value === "boolean") field.checked = value;
    else if (Array.isArray(value)) [...field.options].forEach((o) => (o.selected = value.includes(o.value)));
    else field.value = value;
  }
  if (!changed) return;
  const drop = make("button", { type: "button", className: "plain", textContent: say("dropText") });
  drop.onclick = () => {
    forget((key) => key === slot(form));
    location.reload();
  };
  tell(form, say("keptText"), "warn").append(" ", drop);
}

function forget(which) {
  store("sessionStorage", (s) => Object.keys(s).filter((k) => k.startsWith("keep:") && which(k)).forEach((k) => s.removeItem(k)));
}
if (say("user")) forget((key) => !key.startsWith(owner)); // another person at the same computer
all("[data-keep-clear]").forEach((mark) => {
  const done = mark.dataset.keepClear.split(" ");
  forget((key) => done.includes("") || done.includes(key.slice(owner.length)));
});

// Is the server there? Asked before a kept form goes off, so that a lost signal never costs the page.
async function reachable() {
  if (!navigator.onLine) return false;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 8000);
  try {
    await fetch(say("ping"), { method: "HEAD", cache: "no-store", signal: stop.signal });
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

function busy(form, on) {
  form.toggleAttribute("data-busy", on);
  for (const button of form.elements) {
    if (button.type !== "submit") continue;
    button.toggleAttribute("data-busy", on);
    button.setAttribute("aria-disabled", on);
  }
}

// Sending: ask first where it says so, answer in place where it says so, and never send twice.
async function send(event) {
  const { target: form, submitter } = event;
  const { dataset } = form;
  if (form.method === "dialog") return;
  if (form.hasAttribute("data-busy")) return event.preventDefault();
  const again = () => {
    dataset.sure = "";
    form.requestSubmit(submitter);
  };
  const asked = submitter?.dataset.confirm || dataset.confirm;
  if (asked && !("sure" in dataset)) {
    event.preventDefault();
    return confirmFirst(submitter, asked, dataset.confirmAction, again);
  }
  delete dataset.sure;
  if ("forget" in dataset) forget(() => true);
  if ("inline" in dataset) {
    event.preventDefault();
    return inline(form);
  }
  if (form.method === "get" || "again" in dataset) return;
  if (!("keep" in dataset) || "there" in dataset) {
    delete dataset.there;
    return busy(form, true);
  }
  event.preventDefault();
  keep(form);
  busy(form, true);
  const there = await reachable();
  busy(form, false);
  if (!there) return tell(form, say("offlineText"));
  dataset.there = "";
  again();
}

function confirmFirst(submitter, text, label, again) {
  const box = document.getElementById("confirm");
  if (!box.showModal) return confirm(text) && again();
  const yes = box.querySelector("[value=yes]");
  box.querySelector("[data-text]").textContent = text;
  yes.textContent = submitter?.dataset.confirmAction || label || submitter?.textContent || yes.textContent;
  yes.classList.toggle("danger", Boolean(submitter?.classList.contains("danger")));
  box.returnValue = "";
  box.onclose = () => box.returnValue === "yes" && again();
  box.showModal();
}

// A form answered in place (a masked value): plain text, shown for a while, then hidden again.
async function inline(form) {
  busy(form, true);
  try {
    const headers = { "X-Requested-With": "fetch", Accept: "text/plain" };
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers });
    const text = (answer.headers.get("content-type") || "").startsWith("text/plain") ? (await answer.text()).trim() : "";
    if (!answer.ok || !text) return tell(form, text || say("failedText"));
    const place = document.getElementById(form.dataset.inline);
    const masked = (place.dataset.masked ||= place.textContent);
    place.textContent = text;
    form.reset();
    form.closest("dialog")?.close();
    setTimeout(() => (place.textContent = masked), 1000 * form.dataset.seconds);
  } catch {
    tell(form, say("offlineText"));
  } finally {
    busy(form, false);
  }
}

// Long work: its element is asked for anew every two seconds, more rarely while nobody answers.
function poll(node, pause = 2000) {
  setTimeout(async () => {
    if (!node.isConnected || "done" in node.dataset) return;
    if (document.hidden) return poll(node);
    try {
      const answer = await fetch(node.dataset.pollUrl, { headers: { "X-Requested-With": "fetch" } });
      if (!answer.ok || answer.redirected) throw answer;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
      node.replaceWith(fresh);
      if ("done" in fresh.dataset) toast(fresh.dataset.said);
      else poll(fresh);
    } catch {
      poll(node, Math.min(pause * 2, 30000));
    }
  }, pause);
}

const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
function preview(box, input) {
  const { maxBytes, tooLarge } = box.dataset;
  const large = (file) => maxBytes && file.size > maxBytes;
  const list = box.querySelector(".chosen");
  all("img", list).forEach((image) => URL.revokeObjectURL(image.src));
  input.setCustomValidity([...input.files].some(large) ? tooLarge : "");
  list.replaceChildren(...[...input.files].map((file) => {
    const item = make("li", { title: file.name }, make("b", { textContent: file.name }), size(file.size));
    if (/^image\/(jpeg|png|webp)$/.test(file.type)) item.prepend(make("img", { alt: "", src: URL.createObjectURL(file) }));
    if (large(file)) item.append(make("span", { className: "text-bad", textContent: ` ${tooLarge}` }));
    return item;
  }));
}

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch { // a page without TLS has no clipboard
    const area = make("textarea", { value: button.dataset.copy, className: "hide" });
    button.after(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  toast(say("copiedText"));
}

const closeMenus = (target) => all("details.who[open]").forEach((box) => box.contains(target) || (box.open = false));

document.addEventListener("click", (event) => {
  const on = (selector) => event.target.closest(selector);
  if (on(".menu") || (drawn() && (on(".shut") || !on(".side")))) {
    event.preventDefault();
    drawer(!drawn());
  }
  closeMenus(event.target);
  const theme = on("[data-set-theme]")?.dataset.setTheme;
  if (theme) {
    setTheme(theme);
    store("localStorage", (s) => s.setItem("jiuji-theme", theme));
    document.cookie = `theme=${theme};path=/;max-age=31536000;samesite=lax`;
  }
  if (on("[data-copy]")) copy(on("[data-copy]"));
  if (on("[data-print]")) print();
  if (on("[data-close]")) on("dialog").close();
  const box = document.getElementById(on("[data-dialog]")?.dataset.dialog);
  if (box?.showModal) {
    event.preventDefault();
    box.showModal();
  }
  const link = on("tr[data-href]")?.dataset.href;
  if (link && !on("a,button,input,label,select,textarea,summary") && !String(getSelection())) {
    if (event.ctrlKey || event.metaKey) open(link, "_blank", "noopener");
    else location.assign(link);
  }
});
document.addEventListener("keydown", (event) => {
  const search = document.getElementById("search");
  if (event.key === "Escape") {
    if (drawn()) drawer(false);
    document.querySelector("details.who[open] summary")?.focus();
    closeMenus(null);
  } else if (event.key === "/" && search && !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing &&
      !event.target.closest("input,textarea,select,[contenteditable],dialog")) {
    event.preventDefault();
    search.select();
  }
});
const typed = ({ target }) => "keep" in (target.form?.dataset || {}) && keep(target.form);
document.addEventListener("input", typed);
document.addEventListener("change", (event) => {
  typed(event);
  const box = event.target.closest(".upload");
  if (box && event.target.type === "file") preview(box, event.target);
});
document.addEventListener("submit", send);
window.addEventListener("pageshow", () => all("form[data-busy]").forEach((form) => busy(form, false)));

all("form[data-keep]").forEach(restore);
all("[data-poll-url]").forEach((node) => poll(node));
document.querySelector("[data-focus]")?.focus();
