import { parse, slowly } from "./fetch";

// goalForms answers a goal's form in place: another condition, and what the
// rule would have counted. Without it the same buttons load the page.
export function goalForms(): void {
  document.addEventListener("submit", (e) => {
    const form = (e.target as Element).closest<HTMLFormElement>("[data-goal-form]");
    const button = e.submitter as HTMLButtonElement | null;
    if (!form || !button || (button.value !== "preview" && button.value !== "more")) return;
    e.preventDefault();
    void renew(form, button.value, true);
  });
  // Once it was tried, what is changed is tried again.
  document.addEventListener("change", (e) => {
    const form = (e.target as Element).closest<HTMLFormElement>("[data-goal-form]");
    if (form?.querySelector("[data-goal-preview] p")) void renew(form, "preview", false);
  });
}

async function renew(form: HTMLFormElement, what: string, whole: boolean): Promise<void> {
  const body = new URLSearchParams(new FormData(form) as unknown as Record<string, string>);
  body.set("do", what);
  form.setAttribute("aria-busy", "true");
  try {
    const asked = fetch(form.action, { method: "POST", body, headers: { "Moonbear-Fragment": "1" }, credentials: "same-origin" });
    const next = parse(await (await slowly(asked)).text()).querySelector<HTMLFormElement>("[data-goal-form]");
    if (!next) return send(form, what);
    if (!whole) {
      form.querySelector("[data-goal-preview]")!.replaceWith(next.querySelector("[data-goal-preview]")!);
      return;
    }
    form.replaceWith(next);
    const keys = next.querySelectorAll<HTMLElement>("[name=prop_key]");
    const wrong = next.querySelector<HTMLElement>("[aria-invalid]");
    (what === "more" ? keys[keys.length - 1] : (wrong ?? next.querySelector<HTMLElement>("[data-test=try]")))?.focus();
  } catch {
    send(form, what);
  } finally {
    form.removeAttribute("aria-busy");
  }
}

// send is what the browser would have done by itself.
function send(form: HTMLFormElement, what: string): void {
  const button = form.querySelector<HTMLButtonElement>(`[name=do][value=${what}]`);
  const again = document.createElement("input");
  again.type = "hidden";
  again.name = "do";
  again.value = what;
  form.append(again);
  if (button) button.disabled = true;
  form.submit();
}
