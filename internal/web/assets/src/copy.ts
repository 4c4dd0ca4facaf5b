// Copy buttons are hidden in the page, because without a script they can't.
export function copyButtons(root: ParentNode): void {
  for (const button of root.querySelectorAll<HTMLButtonElement>("button[data-copy]")) {
    const source = document.getElementById(button.dataset.copy!);
    if (!source) continue;
    button.hidden = false;
    const label = button.textContent;
    button.addEventListener("click", async () => {
      const text = source.textContent ?? "";
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        // Over plain http there is no clipboard: select it, so that one key copies.
        getSelection()?.selectAllChildren(source);
        if (!document.execCommand("copy")) return;
      }
      button.textContent = button.dataset.done!;
      setTimeout(() => (button.textContent = label), 2000);
    });
  }
}
