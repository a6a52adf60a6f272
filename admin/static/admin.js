// What the generated admin cannot be told: names of tables, its remaining English words, the language for the server, and
// what this person may not do anyway. The server refuses all of it regardless; here it is only not offered.
(() => {
  "use strict";
  const KEPT = "piccoloAdminDefaultLanguage";
  const language = () => {
    const chosen = localStorage.getItem(KEPT) || navigator.language.slice(0, 2).toLowerCase();
    return chosen === "nl" ? "nl" : "en";
  };
  const tell = () => { document.cookie = `admin_language=${language()}; path=/admin; max-age=31536000; samesite=lax`; };
  const begun = language();
  document.documentElement.lang = begun;
  tell();
  if (!localStorage.getItem("defaultTimezone")) localStorage.setItem("defaultTimezone", "Europe/Amsterdam");

  // Another language chosen in the menu: everything the server words must be asked for again.
  const keep = Storage.prototype.setItem;
  Storage.prototype.setItem = function (key, value) {
    keep.call(this, key, value);
    if (key === KEPT && language() !== begun) { tell(); location.reload(); }
  };

  // Spreadsheets run cells that begin like a formula; exports are written by the page itself.
  const Plain = window.Blob;
  window.Blob = class extends Plain {
    constructor(parts, options) {
      const isCsv = String(options && options.type).startsWith("text/csv");
      super(isCsv ? parts.map((part) => String(part).replace(/(^|[,;\n])"([=+\-@\t\r])/g, "$1\"'$2")) : parts, options);
    }
  };

  let words = { tables: {}, phrases: {} };
  let rights = null;
  const tables = new Map();
  const phrases = new Map();
  const ask = async (address) => (await fetch(address, { headers: { accept: "application/json" } })).json();

  const learn = async () => {
    words = await ask("./labels/");
    for (const [name, label] of Object.entries(words.tables)) tables.set(name.replaceAll("_", " "), label);
    for (const [said, label] of Object.entries(words.phrases)) phrases.set(said.toLowerCase(), label);
    const confirming = window.confirm;
    window.confirm = (question) => confirming(phrases.get(question.toLowerCase()) || question);
    pass();
  };

  let askedAt = null;
  const learnRights = async () => {
    if (rights !== null || askedAt === location.hash) return;
    askedAt = location.hash; // once per page: before anybody has signed in the answer is no
    const answer = await fetch("./rights/", { headers: { accept: "application/json" } });
    if (answer.ok) { rights = await answer.json(); pass(); }
  };

  const place = () => {
    const [, table, row] = location.hash.replace(/\?.*/, "").split("/");
    return { table, row };
  };

  // Names of tables and loose words, never what people have entered.
  const NOT_OURS = "td, th, textarea, pre, .results_list, .ql-editor, .username";
  const heading = (plain) => {
    const name = [...tables.keys()].find((one) => plain === one || plain.endsWith(` ${one}`));
    if (name === undefined) return undefined;
    const label = tables.get(name);
    if (plain.startsWith("select a row from")) return `${phrases.get("select a row from")} ${label}`;
    return place().row === "add" ? `${label}: ${phrases.get("new")}` : label;
  };
  const refusal = (said) => said.replace(/^(.*?) field - /, (_, field) => (field.trim() ? `${field}: ` : ""));
  const worded = (node) => {
    const said = node.nodeValue.trim();
    const parent = node.parentElement;
    if (!said || parent === null || parent.closest(NOT_OURS)) return;
    const plain = said.toLowerCase();
    let label;
    if (parent.closest("h1")) label = heading(plain);
    else if (parent.closest(".sidebar, #sidebar_overlay, .related_tables")) label = tables.get(plain);
    else if (parent.closest("div.errors")) label = refusal(said);
    else if (parent.matches("option")) label = ["true", "false", "none"].includes(plain) || parent.closest(".right_column, #page_size") ? option(plain) : undefined;
    else if (/^of \d+$/.test(plain)) label = `${phrases.get("of")} ${plain.slice(3)}`;
    else if (!parent.matches("label")) label = phrases.get(plain);
    if (label !== undefined && label !== said) node.nodeValue = node.nodeValue.replace(said, label);
  };
  const option = (plain) => {
    const paged = /^(\d+) per page$/.exec(plain);
    return paged && phrases.has("per page") ? `${paged[1]} ${phrases.get("per page")}` : phrases.get(plain);
  };

  const offer = () => {
    const { table, row } = place();
    const mine = rights && rights[table];
    const root = document.documentElement.classList;
    root.toggle("no-create", Boolean(rights) && !(mine && mine.create));
    root.toggle("no-change", Boolean(rights) && !(mine && mine.change));
    root.toggle("no-remove", Boolean(rights) && !(mine && mine.remove));
    if (!mine || !row) return;
    const isNew = row === "add";
    const open = new Set(isNew ? mine.fields : mine.change ? mine.columns : []);
    const button = document.querySelector("[data-uitest=save_button], [data-uitest=create_button]");
    for (const field of button ? button.closest("form").querySelectorAll("input[name], select[name], textarea[name]") : []) {
      const box = field.closest("form > div > div");
      if (box === null || open.has(field.name)) continue;
      if (isNew) box.hidden = true;
      else { field.disabled = true; box.classList.add("fixed"); }
    }
  };

  let due = false;
  const pass = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      const root = document.getElementById("app");
      if (root === null) return;
      const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walk.nextNode()) worded(walk.currentNode);
      for (const field of document.querySelectorAll("input[placeholder]")) {
        const label = phrases.get(field.placeholder.toLowerCase());
        if (label) field.placeholder = label;
      }
      for (const one of document.querySelectorAll("option[label]")) {
        const label = option(one.label.toLowerCase());
        if (label && label !== one.label) one.label = label;
      }
      learnRights();
      offer();
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver(pass).observe(document.body, { childList: true, subtree: true, characterData: true });
    learn();
  });
  window.addEventListener("hashchange", pass);
})();
