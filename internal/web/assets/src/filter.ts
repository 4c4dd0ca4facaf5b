import { fetchHTML, parse } from "./fetch";

// filterForms offer the values there are most of, and room for several.
export function filterForms(root: ParentNode): void {
  for (const form of root.querySelectorAll<HTMLFormElement>("form[data-values]")) {
    values(form);
    another(form);
  }
  for (const form of root.querySelectorAll<HTMLFormElement>("form[data-order]")) dates(form);
}

function values(form: HTMLFormElement): void {
  const dimension = form.querySelector<HTMLSelectElement>("[name=dimension]")!;
  const operator = form.querySelector<HTMLSelectElement>("[name=operator]")!;
  const fields = form.querySelector<HTMLElement>("[data-filter-values]")!;
  let offered = "";
  async function offer(): Promise<void> {
    if (offered === dimension.value) return;
    offered = dimension.value;
    try {
      const url = new URL(form.dataset.values!, location.href);
      url.searchParams.set("dimension", offered);
      const got = await fetchHTML(url.pathname + url.search, true);
      const list = got.ok && parse(got.html).querySelector("datalist");
      if (list && offered === dimension.value) form.querySelector("datalist")?.replaceWith(list);
    } catch {
      offered = ""; // a form without suggestions works; the next press asks again
    }
  }
  const fit = () => (fields.hidden = operator.value === "is_set" || operator.value === "is_not_set");
  form.closest("details")?.addEventListener("toggle", (e) => (e.target as HTMLDetailsElement).open && void offer());
  dimension.addEventListener("change", () => void offer());
  operator.addEventListener("change", fit);
  fit();
  if (form.closest("details")?.open) void offer();
}

function another(form: HTMLFormElement): void {
  const button = form.querySelector<HTMLButtonElement>("[data-another]");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    const last = [...form.querySelectorAll<HTMLInputElement>("input[name=value]")].at(-1)!;
    const next = last.cloneNode() as HTMLInputElement;
    next.value = "";
    last.after(next);
    next.focus();
  });
}

// dates says that the last day is before the first where that is typed.
function dates(form: HTMLFormElement): void {
  const [from, to] = [form.elements.namedItem("from") as HTMLInputElement, form.elements.namedItem("to") as HTMLInputElement];
  const check = () => to.setCustomValidity(from.value && to.value && to.value < from.value ? form.dataset.order! : "");
  from.addEventListener("input", check);
  to.addEventListener("input", check);
}
