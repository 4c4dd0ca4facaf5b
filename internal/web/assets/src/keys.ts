// Single keys press the element of the page that says it is theirs
// (data-key="f"): what a page has not got, a key does not do. They can be
// switched off, for those whose speech or assistive device types them (WCAG 2.1.4).
const storage = "moonbear-keys";

const off = () => {
  try {
    return localStorage.getItem(storage) === "off";
  } catch {
    return false;
  }
};

export function keys(): void {
  document.addEventListener("keydown", (e) => {
    const at = e.target as HTMLElement;
    if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || e.isComposing || off()) return;
    if (at.matches("input, select, textarea, [contenteditable]") || document.querySelector("dialog[open]")) return;
    if (e.key === "?") {
      e.preventDefault();
      return open();
    }
    if (e.key === "r") {
      if (!document.querySelector("[data-dashboard]")) return;
      e.preventDefault();
      document.dispatchEvent(new Event("moonbear:reload"));
      return;
    }
    if (e.shiftKey || e.key.length !== 1) return;
    const el = [...document.querySelectorAll<HTMLElement>("[data-key]")].find((k) => k.dataset.key === e.key);
    if (!el) return;
    e.preventDefault();
    if (el.matches("input")) return (el as HTMLInputElement).select(), el.focus();
    el.click();
    // A menu that a key opened is walked with the keyboard: begin in it.
    if (el.matches("summary")) el.parentElement?.querySelector<HTMLElement>(".menu-box :is(select, input:not([type=hidden]), a)")?.focus();
  });
}

function open(): void {
  const dialog = document.querySelector<HTMLDialogElement>("[data-keys]");
  dialog?.showModal();
  dialog?.querySelector<HTMLElement>("[data-close]")?.focus();
}

// keysDialog makes the button and the list work; they are hidden without a script.
export function keysDialog(root: ParentNode): void {
  for (const button of root.querySelectorAll<HTMLButtonElement>("[data-keys-open]")) {
    button.hidden = false;
    button.addEventListener("click", open);
  }
  for (const dialog of root.querySelectorAll<HTMLDialogElement>("[data-keys]")) {
    dialog.addEventListener("click", (e) => e.target === dialog && dialog.close());
    const box = dialog.querySelector<HTMLInputElement>("[data-keys-on]");
    if (!box) continue;
    box.checked = !off();
    box.addEventListener("change", () => {
      try {
        localStorage.setItem(storage, box.checked ? "on" : "off");
      } catch {
        // Private windows without storage keep the keys as they are.
      }
    });
  }
}
