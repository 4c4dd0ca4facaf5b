// fetchHTML asks for a page or a fragment of ours.
export async function fetchHTML(url: string, fragment: boolean, signal?: AbortSignal): Promise<{ html: string; url: string; ok: boolean }> {
  const r = await fetch(url, { headers: fragment ? { "Moonbear-Fragment": "1" } : {}, signal, credentials: "same-origin" });
  return { html: await r.text(), url: r.url, ok: r.ok };
}

// slowly shows the hairline when something takes over 300 ms.
export async function slowly<T>(work: Promise<T>): Promise<T> {
  const line = document.querySelector<HTMLElement>("[data-progress]");
  const timer = setTimeout(() => line && (line.hidden = false), 300);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    if (line) line.hidden = true;
  }
}

// parse makes elements of HTML that our own server made.
export function parse(html: string): Document {
  return new DOMParser().parseFromString(html, "text/html");
}
