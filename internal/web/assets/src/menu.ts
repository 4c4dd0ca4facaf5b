// Menus are <details>: a press elsewhere, Escape, or another menu closes them.
export function menus(): void {
  const open = () => document.querySelectorAll<HTMLDetailsElement>("details[data-menu][open]");
  document.addEventListener("click", (e) => {
    for (const menu of open()) if (!menu.contains(e.target as Node)) menu.open = false;
  });
  document.addEventListener("keydown", (e) => {
    if (e.key !== "Escape") return;
    for (const menu of open()) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
  });
  document.addEventListener("focusout", (e) => {
    const to = e.relatedTarget as Node | null;
    for (const menu of open()) if (to && !menu.contains(to)) menu.open = false;
  });
}
