// What the theme leaves to the mouse, for the keyboard.
"use strict";

document.querySelector("[data-drawer]").addEventListener("click", () => document.getElementById("__drawer").click());

// What scrolls sideways can be reached, and so scrolled, without a mouse. The theme does so for code alone.
const reach = () => {
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap, div.arithmatex, .diagram-drawn, .highlighttable .linenodiv pre")) {
    const scrolls = box.scrollWidth > box.clientWidth;
    if (scrolls) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};
new ResizeObserver(reach).observe(document.querySelector(".md-content") ?? document.body);

// The theme makes the tags of each result of a search a landmark without a name: they lead a listener nowhere.
const results = document.querySelector(".md-search-result");
const group = () => results.querySelectorAll("nav.md-tags:not([role])").forEach((nav) => nav.setAttribute("role", "none"));
new MutationObserver(group).observe(results, { childList: true, subtree: true });
