"""Accessibility as the axe engine sees it: every rule, on everything that a page can show."""

from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

ENGINE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")

# What is folded away or behind another tab counts too.
UNFOLD = """
document.querySelectorAll("details").forEach(details => details.open = true);
const style = document.createElement("style");
style.textContent = ".tabbed-set > .tabbed-content > .tabbed-block { display: block !important; }";
document.head.append(style);
"""

# Nearly all elements of a page of code are coloured words without any other meaning, and axe looks at each.
# Words with the same chain of tags and classes have the same colours:
# the first stays, the others become plain text of their line. No rule is left out.
THIN = """
const seen = new Set();
const looks = new Map();
const look = element => {
  if (!element) return "";
  if (!looks.has(element)) {
    looks.set(element, `${look(element.parentElement)}>${element.tagName}.${element.className}`);
  }
  return looks.get(element);
};
for (const word of document.querySelectorAll("pre span, .doc-signature span")) {
  const plain = [...word.attributes].every(attribute => attribute.name === "class");
  if (!plain || word.childElementCount) continue;
  if (seen.has(look(word))) word.replaceWith(word.textContent);
  seen.add(look(word));
}
"""

# The rules that see colours. The others read the same page in both schemes, and need to do so once.
COLOURS = ["color-contrast", "link-in-text-block"]
RUN = """
async rules => (await axe.run(document, {
  resultTypes: ["violations"], ...(rules && { runOnly: { type: "rule", values: rules } }),
})).violations.flatMap(rule =>
  rule.nodes.map(node => `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary}`))
"""


def prepare(page: Page) -> None:
    """Loads the engine and shows it all that the page holds, each look of a coloured word once."""
    page.evaluate(f"() => {{ {UNFOLD} {THIN} }}")
    page.evaluate(ENGINE)


def violations(page: Page, rules: list[str] | None = None) -> list[str]:
    """What breaks a rule of axe (all of them unless told otherwise) in the page as it stands."""
    found: list[str] = page.evaluate(RUN, rules)
    return found
